"""Sends bytes and FIN to an echo server, reads late, counts what comes back: halfclose.py PORT COMMAND..."""
import os, socket, subprocess, sys, threading, time

port = int(sys.argv[1])
server = subprocess.Popen(sys.argv[2:], env={**os.environ, "PORT": str(port)})
while True:  # until it listens
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
for size in 10, 16 << 20:
    c, sent = socket.create_connection(("127.0.0.1", port)), []

    def send():
        try:
            c.sendall(bytes(size))
            c.shutdown(socket.SHUT_WR)
            sent.append(size)
        except OSError as e:
            sent.append(str(e))

    thread = threading.Thread(target=send)
    thread.start()
    time.sleep(1)  # the reader comes late
    back, end = 0, "FIN"
    try:
        while data := c.recv(65536):
            back += len(data)
    except OSError as e:
        end = str(e)
    thread.join()
    print(f"to send: {size}; sent, and then FIN: {sent[0]}; back: {back}, then {end}")
    c.close()
server.kill()
