"""Reconciliation with an independent implementation of Negentropy v1: the one in PyPI nostr-sdk, in Rust."""

import asyncio
import os
import random
import subprocess
import time
from pathlib import Path

import nostr_sdk
import pytest

import wire
from conftest import World
from nostr_relay import Bridge
from stranger import Stranger, send

SCOPE_ALL = wire.field(1, wire.field(1, b""))


def test_a_nostr_client_finds_out_exactly_what_differs(world: World, tmp_path: Path):
    stranger = Stranger.make(tmp_path / "home")
    stranger.introduce(world.maker.url)
    questions: list[int] = []

    def ask(message: bytes) -> bytes:
        reply = send(stranger.request(world.maker.url + "/w/1/sync", SCOPE_ALL + wire.field(2, message)))
        assert reply.status_code == 200, reply.content
        questions.append(len(message))
        return wire.values(reply.content, 2)[0]

    async def reconcile() -> tuple[set[str], set[str], set[str]]:
        database = await nostr_sdk.NostrLmdb.open(str(tmp_path / "events"))
        own = [event(number) for number in range(300)]
        for saved in own:
            await database.save_event(saved)
        client = nostr_sdk.ClientBuilder().database(database).build()
        async with Bridge(ask) as url:
            await client.add_relay(nostr_sdk.RelayUrl.parse(url))
            await client.connect()
            done = await asyncio.wait_for(
                client.sync(nostr_sdk.Filter(), opts=nostr_sdk.SyncOptions().dry_run()), timeout=30)
            await client.disconnect()
        assert not done.failed
        return ({saved.id().to_hex() for saved in own}, {found.to_hex() for found in done.report.local},
                {found.to_hex() for found in done.report.remote})

    # Before and after the node's own posts, so that the sums of ranges with and without them are compared.
    now, keys = int(time.time()), nostr_sdk.Keys.generate()

    def event(number: int) -> nostr_sdk.Event:
        when = nostr_sdk.Timestamp.from_secs(now - 150 + number)
        return nostr_sdk.EventBuilder(nostr_sdk.Kind(1), f"{number}").custom_created_at(when).finalize(keys)

    own, only_here, only_there = asyncio.run(reconcile())
    assert questions and questions[0] > 200, "the client asked about no ranges"
    assert only_here == own
    assert len(only_there) == world.maker.json("status")["posts"]
    wanted = b"".join(wire.field(1, bytes.fromhex(post)) for post in only_there)
    reply = send(stranger.request(world.maker.url + "/w/1/posts/get", wanted))
    assert {wire.Envelope.parse(envelope).id.hex() for envelope in wire.values(reply.content, 1)} == only_there


class Harness:
    """Our side of a reconciliation as a process, spoken to in the lines of the reference's tests."""

    def __init__(self, items: list[tuple[int, str]], limit: int) -> None:
        program = os.path.join(os.path.dirname(os.environ["WAGGLE_BINARY"]), "negentropy-harness")
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={"FRAMESIZELIMIT": str(limit)})
        self.say(*(f"item,{created},{name}" for created, name in items), "seal")

    def say(self, *lines: str) -> None:
        assert self.process.stdin
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def answer(self, message: bytes) -> bytes:
        assert self.process.stdout
        self.say("msg," + message.hex())
        line = self.process.stdout.readline().rstrip()
        assert line.startswith("msg,"), line
        return bytes.fromhex(line[4:])

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0


@pytest.mark.parametrize("limit", [0, 4096, 60_000])
def test_the_harness_settles_with_a_nostr_client(tmp_path: Path, limit: int):
    source, start, keys = random.Random(limit), int(time.time()) - 100_000, nostr_sdk.Keys.generate()

    def event(number: int) -> nostr_sdk.Event:
        when = nostr_sdk.Timestamp.from_secs(start + source.randrange(900))
        return nostr_sdk.EventBuilder(nostr_sdk.Kind(1), f"{number}").custom_created_at(when).finalize(keys)

    async def reconcile() -> None:
        database = await nostr_sdk.NostrLmdb.open(str(tmp_path / "events"))
        both, theirs = [event(number) for number in range(700)], [event(number) for number in range(700, 800)]
        for saved in both + theirs:
            await database.save_event(saved)
        ours = [(start + source.randrange(900), source.randbytes(32).hex()) for _ in range(400)]
        shared = [(saved.created_at().as_secs(), saved.id().to_hex()) for saved in both]
        harness = Harness(shared + ours, limit)
        client = nostr_sdk.ClientBuilder().database(database).build()
        async with Bridge(harness.answer) as url:
            await client.add_relay(nostr_sdk.RelayUrl.parse(url))
            await client.connect()
            done = await asyncio.wait_for(
                client.sync(nostr_sdk.Filter(), opts=nostr_sdk.SyncOptions().dry_run()), timeout=30)
            await client.disconnect()
        harness.close()
        assert not done.failed
        assert {found.to_hex() for found in done.report.local} == {saved.id().to_hex() for saved in theirs}
        assert {found.to_hex() for found in done.report.remote} == {name for _, name in ours}

    asyncio.run(reconcile())
