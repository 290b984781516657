"""Sends requests and reads no reply, and tells how a server's memory grows: REQUEST=... flood.py PORT COMMAND..."""
import os, socket, subprocess, sys, time

port, most = int(sys.argv[1]), 512 << 20
request = os.environ["REQUEST"].encode().decode("unicode_escape").encode("latin-1")
server = subprocess.Popen(sys.argv[2:], env={**os.environ, "PORT": str(port)}, stdout=sys.stderr)

def resident():  # MiB
    with open(f"/proc/{server.pid}/status") as f:
        return next(int(line.split()[1]) >> 10 for line in f if line.startswith("VmRSS"))

while True:  # until it listens
    try:
        c = socket.create_connection(("127.0.0.1", port), 5)
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
time.sleep(1)
print(f"before: {resident()} MiB")
c.settimeout(5)
many, sent, told = request * (65536 // len(request) + 1), 0, 0
try:
    while sent < most:
        c.sendall(many)
        sent += len(many)
        if sent >= told + (128 << 20):
            told = sent
            print(f"{sent >> 20} MiB were sent and none read: {resident()} MiB")
except OSError as e:
    print(f"{sent >> 20} MiB were taken, then: {e}; {resident()} MiB")
time.sleep(1)
print(f"a second later: {resident()} MiB")
c.close()
server.kill()
