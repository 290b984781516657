"""A FIN that comes while an echo server waits to write, and input is left unread: rdhup.py PORT COMMAND..."""
import os, socket, subprocess, sys, time

port = int(sys.argv[1])
server = subprocess.Popen(sys.argv[2:], env={**os.environ, "PORT": str(port)})
while True:  # until it listens
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.05)


def stuff(c, most):
    """Writes until most bytes are sent, or none have been taken for half a second."""
    c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # so that the FIN waits behind little
    sent, last = 0, time.time()
    c.setblocking(False)
    while sent < most and time.time() - last < 0.5:
        try:
            sent += c.send(bytes(min(65536, most - sent)))
            last = time.time()
        except BlockingIOError:
            time.sleep(0.001)
    c.settimeout(5)
    return sent


for n in range(5):
    c = socket.create_connection(("127.0.0.1", port))
    held = stuff(c, 64 << 20)  # what both directions hold while nobody reads
    c.close()
    time.sleep(0.2)
    c = socket.create_connection(("127.0.0.1", port))
    sent = stuff(c, held * 7 // 8)  # some room is left, so that the FIN gets through
    time.sleep(0.2)
    c.shutdown(socket.SHUT_WR)
    time.sleep(0.2)
    back, end = 0, "FIN"
    try:
        while data := c.recv(65536):
            back += len(data)
    except OSError as e:
        end = str(e)
    print(f"sent, and then FIN: {sent}; back: {back}, then {end}", flush=True)
    c.close()
server.kill()
