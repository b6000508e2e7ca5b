#!/usr/bin/env python3
"""Publishes a model file with a token and comments on it: bot.py FILE NAME VERSION.

WAGGLE_URL is a node, WAGGLE_TOKEN what `waggle token new --scope publish,review` printed.
"""
import json
import os
import sys
import urllib.error
import urllib.request

NODE, TOKEN = os.environ["WAGGLE_URL"], os.environ["WAGGLE_TOKEN"]


def call(method, path, body=None, **headers):
    """One request to the native API: JSON in and out, or bytes in."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    request = urllib.request.Request(f"{NODE}/api/w1/{path}", data, method=method, headers={
        "Authorization": f"Bearer {TOKEN}", "Content-Type": kind,
        **{name.replace("_", "-"): value for name, value in headers.items()}})
    try:
        return json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        sys.exit(f"{path}: {json.load(error)['detail']}")


path, model, version = sys.argv[1:4]
upload = call("POST", "uploads", {"name": os.path.basename(path), "size": os.path.getsize(path)})
with open(path, "rb") as file:
    while chunk := file.read(8 << 20):
        call("PATCH", f"uploads/{upload['id']}", chunk, Upload_Offset=str(file.tell() - len(chunk)))
release = call("POST", "releases", {"files": [upload["id"]], "model": model, "version": version, "type": "LORA",
                                    "real_person": False}, Idempotency_Key=upload["id"])
call("POST", "comments", {"subject": release["release"], "text": "Published by a bot."})
print(release["url"])
