"""An RFC 862 echo server on Eventlet, by its serve convenience."""
import os

import eventlet


def echo(sock, address):
    try:
        while data := sock.recv(65536):
            sock.sendall(data)
    except OSError:
        pass
    finally:
        sock.close()


eventlet.serve(eventlet.listen(("127.0.0.1", int(os.environ["PORT"]))), echo, concurrency=10000)
