// Watches a wallet with a wallet token, over each protocol and version of HTTP. Changes it with an API key when the first
// balances have come.
const fs = require("node:fs");
const { createRequire } = require("node:module");
const library = createRequire(process.env.WALLET_TEST_NODE_MODULES + "/");
const { createClient, ConnectError, Code } = library("@connectrpc/connect");
const transports = library("@connectrpc/connect-node");
const { createFileRegistry, fromBinary } = library("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = library("@bufbuild/protobuf/wkt");

const [base, descriptors, key, token] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, fs.readFileSync(descriptors)));
const ErrorInfo = registry.getMessage("google.rpc.ErrorInfo");
const withSecret = (secret) => (next) => (request) => {
  request.header.set("authorization", `Bearer ${secret}`);
  return next(request);
};
const available = (balance) => (balance.balances[0]?.available.amount ?? 0n).toString();

async function session(name, make, topUp) {
  const events = createClient(registry.getService("wallet.v1.EventService"), make([withSecret(token)]));
  const seen = [];
  const stop = new AbortController();
  for await (const { balance } of events.watchWallet({ walletId: "own" }, { signal: stop.signal })) {
    if (!balance || available(balance) === seen.at(-1)) continue;
    seen.push(available(balance));
    if (seen.length === 2) break;
    await topUp(name);
  }
  try {
    for await (const _ of events.watchWallet({ walletId: "other" })) seen.push("shown");
  } catch (error) {
    const refusal = ConnectError.from(error);
    seen.push(Code[refusal.code], refusal.findDetails(ErrorInfo)[0]?.reason);
  }
  return { name, seen };
}

async function main() {
  const owner = transports.createGrpcTransport({ baseUrl: base, httpVersion: "2", interceptors: [withSecret(key)] });
  const wallets = createClient(registry.getService("wallet.v1.WalletService"), owner);
  const amount = { unit: "credits", amount: 1n };
  const topUp = (topUpId) => wallets.topUp({ walletId: "own", topUpId, what: { case: "amount", value: amount } });
  for (const httpVersion of ["1.1", "2"]) {
    const options = (interceptors) => ({ baseUrl: base, httpVersion, interceptors });
    const kinds = {
      json: (interceptors) => transports.createConnectTransport({ ...options(interceptors), useBinaryFormat: false }),
      proto: (interceptors) => transports.createConnectTransport({ ...options(interceptors), useBinaryFormat: true }),
      web: (interceptors) => transports.createGrpcWebTransport(options(interceptors)),
    };
    if (httpVersion === "2") kinds.grpc = (interceptors) => transports.createGrpcTransport(options(interceptors));
    for (const [kind, make] of Object.entries(kinds)) {
      console.log(JSON.stringify(await session(`${kind}-${httpVersion}`, make, topUp)));
    }
  }
}
main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
