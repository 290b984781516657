"""The query of a request comes back as the body, by aiohttp.web."""
import os

from aiohttp import web


async def echo(request):
    return web.Response(text=request.query_string)


app = web.Application()
app.router.add_get("/echo", echo)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, access_log=None)
