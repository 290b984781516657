"""An RFC 862 echo server on Curio, which accepts in a loop of its own: it outlives EMFILE."""
import os

from curio import network, run, sleep, spawn


async def echo(client):
    async with client:
        try:
            while data := await client.recv(65536):
                await client.sendall(data)
        except OSError:
            pass


async def serve(listener):
    while True:
        try:
            client, _ = await listener.accept()
        except OSError:
            await sleep(0.1)  # out of descriptors
        else:
            await spawn(echo, client, daemon=True)
            del client


run(serve, network.tcp_server_socket("127.0.0.1", int(os.environ["PORT"])))
