"""Starts a server five times, each time on a fresh SQLite file, and prints the median time from process
start until the gRPC health service answers SERVING, and the median idle memory."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import grpc

RUNS = 5
SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse { status: SERVING }


def start(binary, directory):
    """Starts a server. Returns its process and the seconds until it serves."""
    port = free_port()
    command = [binary, "--listen", f"127.0.0.1:{port}", "--database-url", f"sqlite://{directory}/wallet.db"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("WALLET_")}
    with open(f"{directory}/log", "wb") as log:
        began = time.monotonic()
        server = subprocess.Popen(command, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    while not serves(port):
        if server.poll() is not None or time.monotonic() - began > 30:
            server.kill()
            sys.exit(f"the server does not serve:\n{open(f'{directory}/log').read()}")
        time.sleep(0.001)
    return server, time.monotonic() - began


def serves(port):
    # A plain connect comes first, because gRPC waits a second after a refused connection.
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            return channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=1) == SERVING
        except grpc.RpcError:
            return False


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def memory_mib(server):
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(server.pid)])) / 1024


def measure(binary):
    """Returns the seconds until the server serves, and its memory in MiB two seconds later."""
    with tempfile.TemporaryDirectory() as directory:
        server, seconds = start(binary, directory)
        try:
            time.sleep(2)
            return seconds, memory_mib(server)
        finally:
            server.kill()
            server.wait()


runs = [measure(os.path.abspath(sys.argv[1])) for _ in range(RUNS)]
times = sorted(round(seconds * 1000) for seconds, _ in runs)
memory = statistics.median(mib for _, mib in runs)
print(f"start to serving      {statistics.median(times)} ms, the median of {times} (aim: under 1000)")
print(f"idle memory           {memory:.1f} MiB resident after 2 s (aim: under 60)")
