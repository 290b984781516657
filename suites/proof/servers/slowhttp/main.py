"""An HTTP server that works for a millisecond, or MS, on each request. usage: main.py PORT [MS]"""
import asyncio
import signal
import sys
import time

WORK = float(sys.argv[2] if len(sys.argv) > 2 else 1) / 1000  # seconds of processor time


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            method, path = head.split(b" ", 2)[:2]
            if method != b"GET":
                break  # it may have a body
            body = path.partition(b"?")[2]
            until = time.perf_counter() + WORK
            while time.perf_counter() < until:
                pass
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        pass
    finally:
        writer.close()


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await stop.wait()
    server.close()


asyncio.run(main())
