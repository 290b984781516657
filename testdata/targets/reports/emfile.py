"""Leaves a server few descriptors, brings more clients, and tells how it fares: emfile.py PORT COMMAND..."""
import glob, os, resource, socket, subprocess, sys, time

REQUEST = os.environ.get("REQUEST", r"GET /echo?x HTTP/1.1\r\nHost: x\r\n\r\n").encode().decode("unicode_escape").encode("latin-1")
ROOM = 96  # descriptors; the server needs some itself, so that as many clients are too many
port = int(sys.argv[1])
server = subprocess.Popen(sys.argv[2:], env={**os.environ, "PORT": str(port)}, stderr=subprocess.DEVNULL)

def dial():
    try:
        return socket.create_connection(("127.0.0.1", port), 5)
    except OSError:
        return None

def answers(c):
    try:
        c.sendall(REQUEST)
        return c.recv(1) != b""
    except OSError:
        return False

def threads():  # nanoseconds that each ran, and that it waited for a processor
    return {f: [int(n) for n in open(f).read().split()[:2]] for f in glob.glob(f"/proc/{server.pid}/task/*/schedstat")}

while (first := dial()) is None:  # until it listens
    time.sleep(0.05)
early = [dial() for _ in range(int(os.environ.get("EARLY", 40)))]  # what is loaded when it is first needed
print("clients are answered:", all(map(answers, early + [first])))
early.clear()
time.sleep(float(os.environ.get("REST", 1)))
resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (ROOM, ROOM))
crowd = [dial() for _ in range(ROOM)]
time.sleep(2)
if server.poll() is None:
    before, began = threads(), time.monotonic_ns()
    time.sleep(2)
    spent, after = time.monotonic_ns() - began, threads()
    busy = max((after[f][0] - n[0]) / (spent - after[f][1] + n[1]) for f, n in before.items() if f in after)
    print(f"without descriptors its busiest thread runs {busy:.0%} of the time that it is let")
    print("a connection that was open is answered:", answers(first))
else:
    print("the process has ended, with", server.returncode)
crowd.clear()
time.sleep(2)
last = dial()
print("with descriptors free a new client is answered:", last is not None and answers(last))
server.kill()
