"""A TCP proxy in front of a node that counts what passes, and can hold it back, spoil it, or both."""

import socket
import threading
import time


class Proxy:
    """Listens on a port of its own; `bytes` has come from the node so far.

    With `rate` (bytes a second for all connections together) it is a slow line. With `spoiled` it flips a bit of one byte
    in each so many bytes of a connection, far enough from its start that small answers stay whole.
    """

    def __init__(self, rate=None, spoiled=None):
        self.rate, self.spoiled = rate, spoiled
        self.bytes = 0
        self.target = None
        self.lock = threading.Lock()
        self.due = 0.0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                node = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            for one in [client, node]:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.pass_on, args=(client, node, False), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(node, client, True), daemon=True).start()

    def pass_on(self, source, sink, is_answer):
        """Copies until either side ends, then ends the other."""
        buffer = bytearray(64 << 10 if self.rate else 256 << 10)
        passed = 0
        try:
            while count := source.recv_into(buffer):
                view = memoryview(buffer)[:count]
                if is_answer:
                    self.count(count)
                    self.spoil(view, passed)
                    passed += count
                sink.sendall(view)
        except OSError:
            pass
        for one, how in [(sink, socket.SHUT_WR), (source, socket.SHUT_RD)]:
            try:
                one.shutdown(how)
            except OSError:
                pass

    def count(self, count):
        with self.lock:
            self.bytes += count
            if not self.rate:
                return
            # Bytes leave when all before them have; a pause is no credit beyond a tenth of a second.
            self.due = max(self.due, time.perf_counter() - 0.1) + count / self.rate
            wait = self.due - time.perf_counter()
        if wait > 0:
            time.sleep(wait)

    def spoil(self, view, passed):
        if not self.spoiled:
            return
        at = self.spoiled // 2 + (passed // self.spoiled) * self.spoiled
        if passed <= at < passed + len(view):
            view[at - passed] ^= 1
