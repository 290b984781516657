"""Sends ever more bytes with FIN to an echo server, reads late, and tells which come back short: sweep.py PORT COMMAND..."""
import os, socket, subprocess, sys, threading, time

port = int(sys.argv[1])
server = subprocess.Popen(sys.argv[2:], env={**os.environ, "PORT": str(port)})
while True:  # until it listens
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.05)

def echoed(size):
    c, sent = socket.create_connection(("127.0.0.1", port)), []

    def send():
        try:
            c.sendall(bytes(size))
            c.shutdown(socket.SHUT_WR)
            sent.append(True)
        except OSError:
            sent.append(False)

    thread = threading.Thread(target=send)
    thread.start()
    time.sleep(0.3)  # the reader comes late
    back, end = 0, "FIN"
    try:
        while data := c.recv(65536):
            back += len(data)
    except OSError as e:
        end = str(e)
    thread.join()
    c.close()
    return sent[0], back, end

sizes, short = range(1 << 20, 10 << 20, 128 << 10), []
for size in sizes:
    sent, back, end = echoed(size)
    if sent and back < size:
        short.append((size - back, size, back, end))
print(f"{len(sizes)} sizes were sent, each with a FIN behind it; {len(short)} came back short")
for _, size, back, end in sorted(short)[-1:]:
    print(f"the worst: sent {size}, back {back}, then {end}")
server.kill()
