"""Sends to an echo server, does not read, resets, and tells how busy it is then, and what it has open: reset.py PORT COMMAND..."""
import glob, os, socket, struct, subprocess, sys, time

port = int(sys.argv[1])
server = subprocess.Popen(sys.argv[2:], env={**os.environ, "PORT": str(port)})

def threads():  # nanoseconds that each ran, and that it waited for a processor
    return {f: [int(n) for n in open(f).read().split()[:2]] for f in glob.glob(f"/proc/{server.pid}/task/*/schedstat")}

def busy():
    before, began = threads(), time.monotonic_ns()
    time.sleep(2)
    spent, after = time.monotonic_ns() - began, threads()
    return max((after[f][0] - n[0]) / (spent - after[f][1] + n[1]) for f, n in before.items() if f in after)

while True:  # until it listens
    try:
        c = socket.create_connection(("127.0.0.1", port))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
time.sleep(1)
print(f"with an idle client it has {len(os.listdir(f'/proc/{server.pid}/fd'))} descriptors open, and is busy for {busy():.0%}")
c.settimeout(3)
sent = 0
try:
    while True:
        sent += c.send(bytes(65536))
except TimeoutError:
    pass
c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
c.close()  # with a reset
time.sleep(1)
print(f"{sent} bytes were sent, none read, and the connection reset; 1 s later it is busy for {busy():.0%}")
print(f"and has {len(os.listdir(f'/proc/{server.pid}/fd'))} descriptors open")
server.kill()
