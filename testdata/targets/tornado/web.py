"""The query of a request comes back as the body, by tornado.web."""
import asyncio
import os

import tornado.web


class Echo(tornado.web.RequestHandler):
    def get(self):
        self.set_header("Content-Type", "text/plain")
        self.write(self.request.query)


async def main():
    tornado.web.Application([("/echo", Echo)], log_function=lambda handler: None).listen(int(os.environ["PORT"]), address="127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
