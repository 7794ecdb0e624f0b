// Calls the server at BASE with the client libraries of Connect, over each protocol and version of HTTP.
const fs = require("node:fs");
const { createRequire } = require("node:module");
const library = createRequire(process.env.WALLET_TEST_NODE_MODULES + "/");
const { createClient, ConnectError, Code } = library("@connectrpc/connect");
const transports = library("@connectrpc/connect-node");
const { createFileRegistry, fromBinary } = library("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = library("@bufbuild/protobuf/wkt");

const [base, descriptors, key] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, fs.readFileSync(descriptors)));
const ErrorInfo = registry.getMessage("google.rpc.ErrorInfo");

async function session(name, transport) {
  const admin = createClient(registry.getService("wallet.v1.AdminService"), transport);
  const wallets = createClient(registry.getService("wallet.v1.WalletService"), transport);
  const walletId = "w-" + name;
  await admin.createWallet({ walletId });
  const amount = { unit: "credits", amount: 1000000000000000n };
  await wallets.topUp({ walletId, topUpId: "t", what: { case: "amount", value: amount } });
  const { balances } = await wallets.getBalance({ walletId });
  const refused = async (call) => {
    try {
      await call;
    } catch (error) {
      const refusal = ConnectError.from(error);
      return [Code[refusal.code], refusal.findDetails(ErrorInfo)[0]?.reason];
    }
    return "answered";
  };
  return {
    name,
    available: balances[0].available.amount.toString(),
    missing: await refused(wallets.getBalance({ walletId: "nobody" })),
  };
}

async function main() {
  for (const httpVersion of ["1.1", "2"]) {
    const withKey = (next) => (request) => {
      request.header.set("authorization", `Bearer ${key}`);
      return next(request);
    };
    const options = { baseUrl: base, httpVersion, interceptors: [withKey] };
    const kinds = {
      json: () => transports.createConnectTransport({ ...options, useBinaryFormat: false }),
      proto: () => transports.createConnectTransport({ ...options, useBinaryFormat: true }),
      web: () => transports.createGrpcWebTransport(options),
    };
    if (httpVersion === "2") kinds.grpc = () => transports.createGrpcTransport(options);
    for (const [kind, make] of Object.entries(kinds)) {
      console.log(JSON.stringify(await session(`${kind}-${httpVersion}`, make())));
    }
  }
}
main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
