"""hledger, a program of others for double-entry book-keeping, on the journal of a currency's log."""

import subprocess
from pathlib import Path

import pytest

from node import Node


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a node exports after two people were granted and tipped each other."""
    root = tmp_path_factory.mktemp("ledger")
    node = Node(root / "node").serve()
    try:
        node.run("account", "new", "ada", "--name", "Ada")
        node.run("buzz", "found", "--name", "Honey", "--symbol", "H2")
        node.run("buzz", "accept", "--as", "ada")
        node.run("buzz", "grant", "@me", "200")
        for amount in ["5", "25", "70"]:
            node.run("buzz", "tip", "@ada", amount)
        node.run("buzz", "tip", "@me", "1", "--as", "ada")
        node.run("buzz", "export", root / "honey.journal")
    finally:
        node.stop()
    return root / "honey.journal"


def hledger(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["hledger", *arguments], text=True, capture_output=True, timeout=60)


def test_the_books_balance_and_every_assertion_holds(journal: Path) -> None:
    checked = hledger("-f", journal, "check")
    assert checked.returncode == 0, checked.stderr
    balances = hledger("-f", journal, "balance", "--flat", "--no-total", "assets")
    assert balances.returncode == 0, balances.stderr
    assert sorted(line.split()[0] for line in balances.stdout.splitlines()) == ["101", "99"]
    assert hledger("-f", journal, "balance", "--no-total", "issued").stdout.split()[0] == "-200"


@pytest.mark.parametrize("old, new", [("25 \"H2\"", "26 \"H2\""), ("= 101 ", "= 102 ")])
def test_a_changed_amount_is_found(journal: Path, tmp_path: Path, old: str, new: str) -> None:
    text = journal.read_text()
    assert old in text
    changed = tmp_path / "changed.journal"
    changed.write_text(text.replace(old, new, 1))
    assert hledger("-f", changed, "check").returncode != 0
