"""An asyncio server that works for a millisecond on each request, as a template
or a database client would: main.py PORT"""
import asyncio
import sys
import time


async def serve(reader, writer):
    try:
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            query = request.split(b" ", 2)[1].partition(b"?")[2]
            done = time.perf_counter() + 0.001
            while time.perf_counter() < done:
                pass
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(query), query))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()


asyncio.run(main())
