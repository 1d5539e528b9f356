"""The smallest app that can ask for a replay: it answers with the fly-replay header that the query asks for.

``/?replay=instance%3Dabc`` answers 200 with ``fly-replay: instance=abc``; any other request is answered with what
arrived, as JSON: the machine, its region, the routing headers and the size of the body. With ``at`` in the query only
the machine of that id asks for the replay, so that the same request does not go round for ever; with ``careful`` it
answers what came back to it because a replay failed; with ``cache`` the replay may be remembered so many seconds, for
the folder of the path. Standard library alone: it runs unchanged on the local platform and in any Python image.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

HERE = {"machine": os.environ.get("FLY_MACHINE_ID", ""), "region": os.environ.get("FLY_REGION", "")}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        self.rfile.read(size)
        query = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
        seen = {name.lower(): value for name, value in self.headers.items() if name.lower().startswith("fly-")}
        wanted = "replay" in query and query.get("at", HERE["machine"]) == HERE["machine"]
        replays = wanted and not ("careful" in query and "fly-replay-failed" in seen)
        body = json.dumps({**HERE, "path": self.path, "body_bytes": size, "headers": seen}).encode()
        self.send_response(200)
        if replays:
            self.send_header("fly-replay", query["replay"])
            if "cache" in query:
                folder, _, _ = urlsplit(self.path).path.rpartition("/")
                self.send_header("fly-replay-cache", f"{folder}/*")
                self.send_header("fly-replay-cache-ttl-secs", query["cache"])
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_: object) -> None:
        """Stay silent: the edge has a log of its own."""


def main() -> None:
    server = ThreadingHTTPServer((os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8080"))), Handler)
    server.daemon_threads = True
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    server.serve_forever()


if __name__ == "__main__":
    main()
