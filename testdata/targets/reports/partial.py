"""Sends a request to an HTTP server, and right behind it the first bytes of another: partial.py PORT COMMAND..."""
import os, socket, subprocess, sys, time

port = int(sys.argv[1])
server = subprocess.Popen(sys.argv[2:], env={**os.environ, "PORT": str(port)}, stderr=subprocess.DEVNULL)
request = b"GET /echo?ab HTTP/1.1\r\nHost: x\r\n\r\n"

def replies(c, want, seconds):
    c.settimeout(seconds)
    got = b""
    try:
        while got.count(b"HTTP/1.1 200") < want and (data := c.recv(65536)):
            got += data
    except TimeoutError:
        pass
    return got.count(b"HTTP/1.1 200")

while True:  # until it listens
    try:
        c = socket.create_connection(("127.0.0.1", port))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
c.sendall(request)
print("replies to a request:", replies(c, 1, 10))
c.sendall(request + request[:8])
print("replies within 10 s to a request with 8 bytes of the next behind it:", replies(c, 1, 10))
c.sendall(request[8:])
print("and once the rest has come:", replies(c, 2, 10))
server.kill()
