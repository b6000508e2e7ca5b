"""RFC 9421 between a node and an independent implementation (PyPI http-message-signatures), both ways."""

import datetime
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver, algorithms

import wire
from conftest import World
from node import wait_until
from stranger import COVERED, POST_RESULT_NEW, Stranger, send


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    return Stranger.make(tmp_path_factory.mktemp("stranger") / "home")


# A request that this library signs is good for a node.


@pytest.fixture(scope="module")
def known(world: World, stranger: Stranger) -> Stranger:
    """The stranger, after it has told the node its keys."""
    stranger.introduce(world.maker.url)
    return stranger


def ids(world: World) -> bytes:
    """A request for the release that the maker published first."""
    return wire.field(1, bytes.fromhex(world.maker.json("show", "@me/teal-harbour@1.0")["release"]))


def test_a_node_accepts_a_request_that_the_library_signed(world: World, known: Stranger):
    body = ids(world)
    reply = send(known.request(world.maker.url + "/w/1/posts/get", body))
    assert reply.status_code == 200, reply.content
    (envelope,) = wire.values(reply.content, 1)
    assert wire.field(1, wire.Envelope.parse(envelope).id) == body


def refusal(reply: requests.Response) -> tuple[int, str]:
    """Status and stable code of an error between nodes."""
    return reply.status_code, wire.values(reply.content, 1)[0].decode()


def test_a_node_takes_no_request_twice(world: World, known: Stranger):
    request = known.request(world.maker.url + "/w/1/posts/get", ids(world))
    assert send(request).status_code == 200
    assert refusal(send(request)) == (401, "bad-signature")


def test_a_node_refuses_another_body_than_was_signed(world: World, known: Stranger):
    request = known.request(world.maker.url + "/w/1/posts/get", ids(world))
    request.body = wire.field(1, bytes(32))
    assert refusal(send(request)) == (400, "bad-signature")


def test_a_node_refuses_a_request_that_was_signed_for_another_node(world: World, known: Stranger):
    url = world.maker.url + "/w/1/posts/get"
    request = known.request(url, ids(world), signed_for="http://other.example/w/1/posts/get")
    request.headers["Host"] = "other.example"
    assert refusal(send(request))[0] == 421


def test_a_node_refuses_an_old_request(world: World, known: Stranger):
    request = known.request(world.maker.url + "/w/1/posts/get", ids(world), age=200)
    assert refusal(send(request)) == (401, "clock")


def test_a_node_refuses_a_key_that_is_not_the_named_nodes(world: World, known: Stranger):
    forged = Stranger(known.id, known.chain, Ed25519PrivateKey.generate())
    reply = send(forged.request(world.maker.url + "/w/1/posts/get", ids(world)))
    assert refusal(reply) == (401, "bad-signature")


def test_a_node_asks_unknown_nodes_for_their_keys(world: World, tmp_path):
    unknown = Stranger.make(tmp_path / "home")
    reply = send(unknown.request(world.maker.url + "/w/1/posts/get", ids(world)))
    assert refusal(reply) == (401, "unknown-node")


# A request that a node signs is good for this library.


@dataclass
class Recorded:
    """A request as it came, in the form that the library reads."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FakePeer:
    """Answers as a node with nothing to say, and keeps what it was asked. It cannot reconcile."""

    stranger: Stranger
    requests: list[Recorded] = field(default_factory=list)
    url: str = ""
    ending: threading.Event = field(default_factory=threading.Event)

    def serve(self) -> ThreadingHTTPServer:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer(b"")

            def do_POST(self) -> None:
                self.answer(self.rfile.read(int(self.headers["Content-Length"])))

            def answer(self, body: bytes) -> None:
                peer.requests.append(Recorded(self.command, peer.url + self.path, dict(self.headers.items()), body))
                match self.path.partition("?")[0]:
                    case "/w/1/stream":
                        return self.stream()
                    case "/w/1/node":
                        status, reply = 200, b"".join(wire.field(1, document) for document in peer.stranger.chain)
                    case "/w/1/posts":
                        results = [wire.integer_field(1, POST_RESULT_NEW)] * len(wire.values(body, 1))
                        status, reply = 200, b"".join(wire.field(1, result) for result in results)
                    case _:
                        status, reply = 503, wire.field(1, b"unavailable")
                self.send_response(status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def stream(self) -> None:
                """One frame that says where the log stands, then silence."""
                frame = wire.field(1, b"00112233445566778899aabbccddeeff.0")
                message = bytes([len(frame)]) + frame
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n%b\r\n" % (len(message), message))
                peer.ending.wait(60)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


@pytest.fixture(scope="module")
def asked(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Recorded]]:
    """What a node asks of a peer that is added to it."""
    peer = FakePeer(Stranger.make(tmp_path_factory.mktemp("fake-peer") / "home"))
    server = peer.serve()
    try:
        added = world.maker.json("peer", "add", peer.url, "--yes")
        assert added["node"] == peer.stranger.keyid
        wait_until("the node to come back", lambda: any(r.url.endswith("/w/1/sync") for r in peer.requests))
        yield peer.requests
    finally:
        world.maker.run("peer", "rm", peer.url)
        peer.ending.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def verifier(world: World) -> HTTPMessageVerifier:
    """Knows the one key of the node, as `/w/1/node` gives it."""
    node = wire.author_bytes(world.maker.json("status")["node"])
    (key,) = wire.device_keys(node, wire.values(world.maker.get("/w/1/node"), 1))
    keys = {wire.author_text(node): Ed25519PublicKey.from_public_bytes(key)}
    resolver = MappingKeyResolver(public_keys=keys, private_keys={})
    return HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=resolver)


def verify(verifier: HTTPMessageVerifier, request: Recorded, components: tuple[str, ...] = COVERED) -> None:
    (result,) = verifier.verify(request, expect_tag="waggle-1", expect_label="w", require_components=components,
                                max_age=datetime.timedelta(seconds=60), body=request.body)
    created, expires = result.parameters["created"], result.parameters["expires"]
    assert 0 < expires - created <= 60 and len(result.parameters["nonce"]) >= 16


def test_the_library_accepts_every_request_that_a_node_signs(asked, verifier):
    signed = [request for request in asked if "Signature" in {name.title() for name in request.headers}]
    assert {request.url.rpartition("/w/1/")[2] for request in signed} >= {"posts", "stream", "sync"}
    for request in signed:
        verify(verifier, request, COVERED if request.body else COVERED[:2])
    assert all(request.url.endswith("/w/1/node") for request in asked if request not in signed)


def test_the_first_request_introduces_the_node_with_its_keys(asked, world: World):
    offered = [[wire.Envelope.parse(envelope).kind for envelope in wire.values(request.body, 1)]
               for request in asked if request.url.endswith("/w/1/posts")]
    # The keys come first, so that they are known to whom the announce is shown.
    assert offered[0][0] == wire.KEY_DOCUMENT and any(4 in kinds for kinds in offered)


@pytest.mark.parametrize("name, value", [
    ("method", "PUT"), ("url", "http://other.example/w/1/posts"), ("body", b"other")])
def test_the_library_refuses_a_changed_request_of_a_node(asked, verifier, name, value):
    first = next(request for request in asked if request.url.endswith("/w/1/posts"))
    with pytest.raises(InvalidSignature):
        verify(verifier, Recorded(**{**vars(first), name: value}))
