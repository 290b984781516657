"""Hypercorn by its API, serving app.py."""
import asyncio
import os

from hypercorn.asyncio import serve
from hypercorn.config import Config

from app import app

config = Config()
config.bind = ["127.0.0.1:" + os.environ["PORT"]]
asyncio.run(serve(app, config))
