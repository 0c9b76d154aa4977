"""Receive what ``genotel recommend --watch --webhook`` posts, and believe only what is signed and fresh.

    GENOTEL_WEBHOOK_SECRET=s3cret python examples/recommender/receive_webhook.py 8080

Standard library only. Run without a port it sends itself a message, a forged one and an old one, and ends.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

# Older messages may be somebody's who wrote down what passed by.
MAX_AGE_SECONDS = 300
MAX_BYTES = 1_000_000


def is_authentic(secret: bytes, timestamp: str, signature: str, body: bytes, now: float) -> bool:
    """Return whether a message comes from who knows the secret, and was sent just now."""
    if not timestamp.isascii() or not timestamp.isdigit() or abs(now - int(timestamp)) > MAX_AGE_SECONDS:
        return False
    expected = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"sha256={expected}".encode(), signature.encode())


class Receiver(BaseHTTPRequestHandler):
    """Print each piece of advice."""

    def do_POST(self) -> None:
        """Take one message."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, MAX_BYTES))
        secret = os.environ["GENOTEL_WEBHOOK_SECRET"].encode()
        timestamp, signature = self.headers["X-Genotel-Timestamp"] or "", self.headers["X-Genotel-Signature"] or ""
        is_good = is_authentic(secret, timestamp, signature, body, time.time())
        self.send_response(204 if is_good else 403)
        self.end_headers()
        if is_good:
            for entry in json.loads(body)["recommendations"]:
                print(f"{entry['status']}: {entry['kind']} {entry['model']}: {entry['reason']}", flush=True)


def show() -> None:
    """Check a message, a forged one and an old one."""
    secret, body, now = b"s3cret", b'{"version": 1}', time.time()
    timestamp = str(int(now))
    signature = "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    print("signed:", is_authentic(secret, timestamp, signature, body, now))
    print("forged:", is_authentic(secret, timestamp, signature, body + b" ", now))
    print("old:", is_authentic(secret, timestamp, signature, body, now + 2 * MAX_AGE_SECONDS))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
    else:
        show()
