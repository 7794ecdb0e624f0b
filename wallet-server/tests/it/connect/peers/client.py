"""Makes the calls on the standard input, one a line, at the server at BASE with the package connectrpc, over each protocol.
Prints a line of answers for each."""

import json
import sys

from connectrpc.client import ConnectClientSync
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.protocol import ProtocolType
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from pyqwest import HTTPVersion, SyncClient, SyncHTTPTransport

base, ca, descriptors, key = sys.argv[1:]
pool = descriptor_pool.DescriptorPool()
with open(descriptors, "rb") as file:
    for proto in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
        pool.Add(proto) if hasattr(pool, "Add") else pool.AddSerializedFile(proto.SerializeToString())
with open(ca, "rb") as file:
    pem = file.read()

clients = {}
for version, http_version in {"1.1": HTTPVersion.HTTP1, "2": HTTPVersion.HTTP2}.items():
    http = SyncClient(SyncHTTPTransport(tls_ca_cert=pem, http_version=http_version))
    for name, codec, protocol, by_get in [
        ("json", google_protobuf_json_codec(), ProtocolType.CONNECT, False),
        ("proto", google_protobuf_binary_codec(), ProtocolType.CONNECT, False),
        ("get-json", google_protobuf_json_codec(), ProtocolType.CONNECT, True),
        ("get-proto", google_protobuf_binary_codec(), ProtocolType.CONNECT, True),
        ("web", google_protobuf_binary_codec(), ProtocolType.GRPC_WEB, False),
        ("grpc", google_protobuf_binary_codec(), ProtocolType.GRPC, False),
    ]:
        if name != "grpc" or version == "2":
            client = ConnectClientSync(base, codec=codec, protocol=protocol, http_client=http)
            clients[f"{name}-{version}"] = (client, by_get)


def detail(found):
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName(found.type_name)).FromString(found.message_bytes)
    return {"type": found.type_name, "debug": json_format.MessageToDict(message, descriptor_pool=pool)}


def answer(client, by_get, path, text):
    service, name = path.split("/")
    method = pool.FindServiceByName(service).FindMethodByName(name)
    request, reply = (message_factory.GetMessageClass(kind) for kind in (method.input_type, method.output_type))
    is_safe = method.GetOptions().idempotency_level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    info = MethodInfo(
        name=name,
        service_name=service,
        input=request,
        output=reply,
        idempotency_level=IdempotencyLevel.NO_SIDE_EFFECTS if is_safe else IdempotencyLevel.UNKNOWN,
        stream_type=StreamType.UNARY,
    )
    message = json_format.Parse(text, request(), descriptor_pool=pool)
    headers = {"authorization": f"Bearer {key}"}
    try:
        answered = client.execute_unary(
            request=message, method=info, headers=headers, timeout_ms=60_000, use_get=by_get and is_safe
        )
        return {"message": json_format.MessageToDict(answered, descriptor_pool=pool)}
    except ConnectError as error:
        codes = "canceled unknown invalid_argument deadline_exceeded not_found already_exists permission_denied"
        codes += " resource_exhausted failed_precondition aborted out_of_range unimplemented internal unavailable"
        codes += " data_loss unauthenticated"
        code = codes.split().index(error.code.value) + 1
        return {"code": code, "text": error.message, "details": [detail(found) for found in error.details]}


for line in sys.stdin:
    call = json.loads(line)
    answers = {name: answer(*client, call["method"], call["text"]) for name, client in clients.items()}
    print(json.dumps(answers), flush=True)
