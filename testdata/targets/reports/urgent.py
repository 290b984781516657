"""Sends one urgent byte to a server and tells how busy it is before and behind it: urgent.py PORT COMMAND..."""
import glob, os, socket, subprocess, sys, time

port = int(sys.argv[1])
server = subprocess.Popen(sys.argv[2:], env={**os.environ, "PORT": str(port)}, stderr=subprocess.DEVNULL)

def parent(pid):
    try:
        return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
    except FileNotFoundError:
        return 0

def ours(pid):  # one of the server's processes
    while pid > 1 and pid != server.pid:
        pid = parent(pid)
    return pid == server.pid

def threads():  # nanoseconds that each ran, and that it waited for a processor
    files = [f for pid in filter(str.isdigit, os.listdir("/proc")) if ours(int(pid)) for f in glob.glob(f"/proc/{pid}/task/*/schedstat")]
    return {f: [int(n) for n in open(f).read().split()[:2]] for f in files}

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
print(f"with an idle client its busiest thread runs {busy():.0%} of the time that it is let")
c.send(b"!", socket.MSG_OOB)
time.sleep(1)
print(f"behind an urgent byte of that client: {busy():.0%}")
server.terminate()
server.wait()
