"""Brings more and more clients that stay to an echo server, and tells what becomes of them: many.py PORT COMMAND..."""
import os, resource, socket, subprocess, sys, time

port, most = int(sys.argv[1]), 1500
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))  # ours, and the server's
server = subprocess.Popen(sys.argv[2:], env={**os.environ, "PORT": str(port)})

def answered():
    c = socket.create_connection(("127.0.0.1", port), 5)
    c.settimeout(5)
    clients.append(c)
    c.sendall(b"hello")
    return c.recv(5) == b"hello"

clients = []
while True:  # until it listens
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
try:
    while len(clients) < most and answered():
        pass
except OSError as e:
    print(f"client {len(clients)}: {e}")
time.sleep(1)
print(f"{len(clients)} clients came; the server ended: {server.poll() is not None}")
server.kill()
