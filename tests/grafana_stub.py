"""A stub of Grafana's HTTP API, as far as dashboards are pushed to it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Stub:
    """Behave as Grafana 11's API does, as far as it is asked; keep every request."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict | None, str | None]] = []
        self.folders: dict[str, dict] = {}
        self.boards: dict[str, dict] = {}
        self.messages: dict[str, str] = {}
        self.answer: tuple[int, object] | None = None
        self.is_old = False

    def take(self, method, path, body, authorization):
        """Return status and body."""
        self.requests.append((method, path, body, authorization))
        if self.answer is not None:
            return self.answer
        last = path.split("/")[-1]
        if path == "/api/folders":
            self.folders[body["uid"]] = body
            return 200, body
        if path.startswith("/api/folders/"):
            return (200, self.folders[last]) if last in self.folders else (404, {"message": "folder not found"})
        if path == "/api/dashboards/db":
            uid = body["dashboard"]["uid"]
            version = self.boards.get(uid, {}).get("version", 0) + 1
            self.boards[uid] = {**body["dashboard"], "id": 7, "version": version}
            self.messages[uid] = body["message"]
            return 200, {"status": "success", "uid": uid, "url": f"/d/{uid}/x", "version": version}
        if "/versions" in path:
            versions = [{"message": self.messages[path.split("/")[4]]}]
            return 200, versions if self.is_old else {"versions": versions}
        if last in self.boards:
            return 200, {"dashboard": self.boards[last], "meta": {"url": f"/d/{last}/x"}}
        return 404, {"message": "Dashboard not found"}


@pytest.fixture
def stub():
    """Run a stub of Grafana."""
    made = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, said = made.take(self.command, self.path, body, self.headers.get("Authorization"))
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield made
        server.shutdown()
        thread.join()
