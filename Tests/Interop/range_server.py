"""A web server with ranges, which can be made to lie."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BLOCK = 8 << 20


class RangeServer:
    """Serves one file at any path. A liar changes one byte in every 8 MiB and keeps all lengths."""

    def __init__(self, file: Path, lies: bool = False) -> None:
        self.sent = 0
        content = bytearray(file.read_bytes())
        if lies:
            for place in range(BLOCK // 2, len(content), BLOCK):
                content[place] ^= 0xFF
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self.answer(with_body=False)

            def do_GET(self) -> None:
                self.answer(with_body=True)

            def answer(self, with_body: bool) -> None:
                first, last = 0, len(content) - 1
                asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
                if asked:
                    first = int(asked[1])
                    last = min(last, int(asked[2])) if asked[2] else last
                self.send_response(206 if asked else 200)
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(last + 1 - first))
                if asked:
                    self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
                self.end_headers()
                if not with_body:
                    return
                try:
                    for place in range(first, last + 1, 1 << 18):
                        piece = content[place:min(place + (1 << 18), last + 1)]
                        self.wfile.write(piece)
                        server.sent += len(piece)
                except OSError:
                    # The program has heard enough.
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "RangeServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
