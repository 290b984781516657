"""Uvicorn by its API, serving app.py."""
import os

import uvicorn

uvicorn.run("app:app", host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning")
