"""An RFC 862 echo server on gevent's StreamServer."""
import os

from gevent.server import StreamServer


def echo(sock, address):
    try:
        while data := sock.recv(65536):
            sock.sendall(data)
    except OSError:
        pass


StreamServer(("127.0.0.1", int(os.environ["PORT"])), echo).serve_forever()
