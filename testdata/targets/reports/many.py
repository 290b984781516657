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
if server.poll() is None:
    def still():
        try:
            clients[0].sendall(b"hello")
            return clients[0].recv(5) == b"hello"
        except OSError:
            return False

    def ran():  # nanoseconds that it ran, and that it waited for a processor
        return [int(n) for n in open(f"/proc/{server.pid}/schedstat").read().split()[:2]]

    print("the first client is answered:", still())
    before, began = ran(), time.monotonic_ns()
    time.sleep(2)
    spent, after = time.monotonic_ns() - began, ran()
    print(f"it runs {(after[0] - before[0]) / (spent - after[1] + before[1]):.0%} of the time that it is let")
    clients.pop().close()
    time.sleep(1)
    print("the last client has left; the first is answered:", still())
server.kill()
