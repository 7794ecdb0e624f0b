// Makes the calls on the standard input, one a line, at the server at BASE with the libraries of Connect, over each protocol
// and version of HTTP. Prints a line of answers for each.
const fs = require("node:fs");
const readline = require("node:readline");
const { createRequire } = require("node:module");
const library = createRequire(process.env.WALLET_TEST_NODE_MODULES + "/");
const { ConnectError } = library("@connectrpc/connect");
const transports = library("@connectrpc/connect-node");
const { createFileRegistry, fromBinary, fromJsonString, toJson } = library("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = library("@bufbuild/protobuf/wkt");

const [base, ca, descriptors, key] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, fs.readFileSync(descriptors)));

function detail({ type, value }) {
  return { type, debug: toJson(registry.getMessage(type), fromBinary(registry.getMessage(type), value), { registry }) };
}

async function answer(transport, name, text) {
  const [service, method] = name.split("/");
  const called = registry.getService(service).methods.find((known) => known.name === method);
  const headers = { authorization: `Bearer ${key}` };
  const message = fromJsonString(called.input, text, { registry });
  try {
    const reply = await transport.unary(called, undefined, 60000, headers, message);
    return { message: toJson(called.output, reply.message, { registry }) };
  } catch (error) {
    const refusal = ConnectError.from(error);
    return { code: refusal.code, text: refusal.rawMessage, details: refusal.details.map(detail) };
  }
}

const kinds = {};
for (const httpVersion of ["1.1", "2"]) {
  const options = { baseUrl: base, httpVersion, nodeOptions: { ca: fs.readFileSync(ca) } };
  kinds[`json-${httpVersion}`] = transports.createConnectTransport({ ...options, useBinaryFormat: false });
  kinds[`proto-${httpVersion}`] = transports.createConnectTransport({ ...options, useBinaryFormat: true });
  kinds[`get-json-${httpVersion}`] = transports.createConnectTransport({ ...options, useBinaryFormat: false, useHttpGet: true });
  kinds[`get-proto-${httpVersion}`] = transports.createConnectTransport({ ...options, useBinaryFormat: true, useHttpGet: true });
  kinds[`web-${httpVersion}`] = transports.createGrpcWebTransport(options);
  if (httpVersion === "2") kinds.grpc = transports.createGrpcTransport(options);
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { method, text } = JSON.parse(line);
    const answers = {};
    for (const [kind, transport] of Object.entries(kinds)) answers[kind] = await answer(transport, method, text);
    console.log(JSON.stringify(answers));
  }
}
main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
