"""Has clients of ZooKeeper reset their connections, and counts which the server keeps: aborts.py PORT COMMAND..."""
import glob, os, socket, struct, subprocess, sys, time

port = int(sys.argv[1])
server = subprocess.Popen(sys.argv[2:], env={**os.environ, "PORT": str(port)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

def sockets():  # that the server holds
    held = 0
    for name in glob.glob(f"/proc/{server.pid}/fd/*"):
        try:
            held += os.readlink(name).startswith("socket:")
        except FileNotFoundError:  # closed meanwhile
            pass
    return held

def dial():
    return socket.create_connection(("127.0.0.1", port), 5)

while True:  # until it serves
    try:
        with dial() as c:
            c.sendall(b"ruok")
            if c.recv(4) == b"imok":
                break
    except OSError:
        pass
    time.sleep(0.2)
time.sleep(2)
before = sockets()
clients = [dial() for _ in range(60)]
time.sleep(1)
print(f"60 clients connect: {sockets() - before} more sockets")
for c in clients:
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close resets
    c.close()
for wait, past in (1, 1), (4, 5), (7, 12):
    time.sleep(wait)
    print(f"{past} s later: {sockets() - before}")
dial().close()
time.sleep(1)
print(f"after one more client came and went: {sockets() - before}")
server.kill()
