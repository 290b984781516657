"""The query of a request comes back as the body, as a WSGI application in Waitress."""
import os

from waitress import serve


def app(environ, start_response):
    body = environ["QUERY_STRING"].encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


serve(app, host="127.0.0.1", port=int(os.environ["PORT"]))
