"""A Nostr relay that can reconcile and nothing else, so that a Nostr client can be asked to reconcile with a node.

Nostr carries Negentropy messages in hexadecimal over a WebSocket (NIP-77); a node takes the same messages over HTTP.
"""

import asyncio
import base64
import hashlib
import json
import struct
from collections.abc import Callable
from enum import IntEnum

# What a server proves that it speaks WebSocket with (RFC 6455 section 1.3).
MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Kind(IntEnum):
    """Kinds of frames (RFC 6455 section 5.2)."""

    TEXT = 1
    CLOSE = 8
    PING = 9
    PONG = 10


class Bridge:
    """Hands each Negentropy message to `answer` and sends back what it returns."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.answer = answer

    async def __aenter__(self) -> str:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return "ws://127.0.0.1:%d" % self.server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            key = next(line[19:].strip() for line in head if line.lower().startswith("sec-websocket-key: "))
            accept = base64.b64encode(hashlib.sha1((key + MAGIC).encode()).digest()).decode()
            writer.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
            while True:
                kind, data = await self._receive(reader)
                match kind:
                    case Kind.CLOSE:
                        return
                    case Kind.PING:
                        self._send(writer, Kind.PONG, data)
                    case Kind.TEXT:
                        await self._take(json.loads(data), writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _take(self, message: list, writer: asyncio.StreamWriter) -> None:
        match message:
            case ["NEG-OPEN", name, _, question] | ["NEG-MSG", name, question]:
                reply = await asyncio.to_thread(self.answer, bytes.fromhex(question))
                self._send(writer, Kind.TEXT, json.dumps(["NEG-MSG", name, reply.hex()]).encode())
            case ["REQ", name, *_]:
                self._send(writer, Kind.TEXT, json.dumps(["EOSE", name]).encode())

    @staticmethod
    async def _receive(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        first, second = await reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", await reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", await reader.readexactly(8))
        mask = await reader.readexactly(4)
        data = await reader.readexactly(size)
        return first & 0x0F, bytes(byte ^ mask[at & 3] for at, byte in enumerate(data))

    @staticmethod
    def _send(writer: asyncio.StreamWriter, kind: int, data: bytes) -> None:
        size = len(data)
        length = (bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size) if size < 1 << 16
                  else b"\x7f" + struct.pack(">Q", size))
        writer.write(bytes([0x80 | kind]) + length + data)
