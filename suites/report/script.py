import select, socket, struct, sys, time
from types import SimpleNamespace

if len(sys.argv) != 2:
    sys.exit("usage: repro.py PORT | HOST:PORT | /path/of/a/socket")
PATIENCE, connections = 3, {}  # seconds without a byte
## always

def dial(n):
    where, (host, _, port) = sys.argv[1], sys.argv[1].rpartition(":")
    family = socket.AF_UNIX if "/" in where else socket.AF_INET6 if ":" in host else socket.AF_INET
    c = connections[n] = SimpleNamespace(socket=socket.socket(family), due=b"", got=0, wanted=0, how="")
    c.socket.settimeout(PATIENCE)
    try:
        c.socket.connect(where if "/" in where else (host or "127.0.0.1", int(port)))
    except OSError as e:
        c.how = f"not connected: {e}"
    c.socket.setblocking(False)

def pump(c, reads, done):
    """Writes what is due, and reads beside it from the first halt on, until done, or PATIENCE without a byte."""
    while not c.how and not done(c):
        r, w, _ = select.select([c.socket] * reads, [c.socket] * bool(c.due), [], PATIENCE)
        if reads and not r and not w:
            return
        reads = reads or not w
        try:
            if w:
                c.due = c.due[c.socket.send(c.due[:65536]) :]
            if r:
                piece = c.socket.recv(65536)
                c.got += len(piece)
                c.how = "" if piece else "FIN"
        except OSError as e:
            c.how = "RST" if isinstance(e, (ConnectionResetError, BrokenPipeError)) else str(e)

## send
def send(n, data, size=0):
    c, size = connections[n], max(size, len(data))
    c.due = memoryview(data + b"x" * (size - len(data)))
    pump(c, False, lambda c: not c.due)
    print(f"#{n} sent {size - len(c.due)} of {size} bytes {c.how}")

## recv
def recv(n, size):
    c = connections[n]
    c.wanted += size
    pump(c, True, lambda c: c.got >= c.wanted)
    print(f"#{n} received {c.got} bytes so far; the run had {c.wanted} here {c.how}")

## half_close
def half_close(n):
    try:
        connections[n].socket.shutdown(socket.SHUT_WR)
        time.sleep(0.5)  # the server meets the FIN before anything more is read
    except OSError as e:
        print(f"#{n} not half-closed: {e}")

## close
def close(n, reset=False):
    if reset:
        connections[n].socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connections[n].socket.close()
    connections[n].how = "our own end"

## always
def end(n):
    pump(connections[n], True, lambda c: False)
    connections[n].how = connections[n].how or "silence"
    connections[n].socket.close()

def verdict(n, owed, came, how):
    c = connections[n]
    same = c.how == how and (c.got < owed if came < owed else came / 2 <= c.got <= came * 2)
    print(f"#{n} got {c.got} bytes, owed {owed or 'an unknown number'}, then {c.how}; the run saw {came}, then {how}:", "as the run saw it" if same else "NOT as the run saw it")

