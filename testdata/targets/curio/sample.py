"""The echo server of Curio's tutorial."""
import os

from curio import run, tcp_server


async def echo(client, address):
    try:
        while data := await client.recv(65536):
            await client.sendall(data)
    except OSError:
        pass


run(tcp_server, "127.0.0.1", int(os.environ["PORT"]), echo)
