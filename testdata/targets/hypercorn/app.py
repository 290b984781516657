"""The query of a request comes back as the body, as an ASGI application."""


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = scope["query_string"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
