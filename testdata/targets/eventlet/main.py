"""An RFC 862 echo server on Eventlet, which accepts in a loop of its own: it outlives EMFILE."""
import os

import eventlet


def echo(sock):
    try:
        while data := sock.recv(65536):
            sock.sendall(data)
    except OSError:
        pass
    finally:
        sock.close()


listener = eventlet.listen(("127.0.0.1", int(os.environ["PORT"])))
pool = eventlet.GreenPool(10000)
while True:
    try:
        sock, _ = listener.accept()
    except OSError:
        eventlet.sleep(0.1)  # out of descriptors
    else:
        pool.spawn_n(echo, sock)
