"""The server of Python's library, as its documentation shows it: main.py PORT KIND [QUEUE]

  1.0         HTTP/1.0, its default: each connection ends behind the reply
  1.1         HTTP/1.1, connections persist
  unframed    HTTP/1.0 without Content-Length: the end of the connection ends the body
  iterative   as 1.0, one client at a time
"""
import http.server
import sys

port, kind = int(sys.argv[1]), sys.argv[2]


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1" if kind == "1.1" else "HTTP/1.0"

    def do_GET(self):
        body = self.path.partition("?")[2].encode()
        self.send_response(200)
        if kind != "unframed":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if kind == "iterative":
    server = http.server.HTTPServer
else:
    server = http.server.ThreadingHTTPServer
server.request_queue_size = int(sys.argv[3]) if len(sys.argv) > 3 else 1024
server(("127.0.0.1", port), Echo).serve_forever()
