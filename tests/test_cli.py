"""What the verbs that only ask say; those that run and verify have tests in runs/."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.metrics.catalogue import load_catalogue
from support import Checkout, clean_environment

ASKED = ("--market", "US", "--window", "2026-W10")


def test_metrics_are_listed(checkout: Checkout) -> None:
    known = load_catalogue(checkout.project).metrics
    lines = [line.split("\t") for line in checkout.study("metrics").splitlines()]
    assert [line[0] for line in lines] == list(known)
    for name, title, _, question in lines:
        assert (title, question) == (known[name].title, known[name].question)
    listed = json.loads(checkout.study("metrics", "--json"))
    assert listed.keys() == known.keys()
    assert listed["appeal_rate"]["title"] == "Appeal rate"


def test_a_metric_is_said_and_its_sql_gives_the_number(checkout: Checkout) -> None:
    name = "violative_view_rate"
    said = checkout.study("metric", name, *ASKED)
    asked = json.loads(checkout.study("metric", name, *ASKED, "--json"))
    assert asked["finding"]["text"] in said
    assert "95%" in said
    assert "2026-W09" in said
    assert asked["sql"] in said
    rows = json.loads(checkout.study("sql", asked["sql"], "--json"))["rows"]
    assert rows == [{name: pytest.approx(asked["finding"]["value"])}]


def test_sql_shows_rows_and_says_when_it_cut(checkout: Checkout) -> None:
    query = "select range as n, 'a' || chr(10) || 'b' as t, null as none from range(1001)"
    first, *lines = checkout.study("sql", query).splitlines()
    assert first == "n\tt\tnone"
    assert len(lines) == 1000 + 1
    assert lines[0] == "0\ta b\t"
    assert lines[-1].startswith("study: sql: cut at 1,000 rows, there are more")
    assert "cut" not in checkout.study("sql", query, "--limit", "1001")


def test_sql_for_a_program(checkout: Checkout) -> None:
    query = "select market, sum(views) as views, max(hour) as h from exposure group by 1 order by 1"
    found = json.loads(checkout.study("sql", query, "--json"))
    assert found["cut"] is False
    assert found["rows"][0]["market"] == "AU"
    assert isinstance(found["rows"][0]["views"], int)
    assert found["rows"][0]["h"].endswith("+00:00")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_sql_shows_no_content_no_secret_and_nothing_that_a_terminal_obeys(
    checkout: Checkout, form: list[str]
) -> None:
    words, key = "a text that nobody should meet", "AKIA" + "ABCDEFGHIJKLMNOP"
    hostile = "chr(27) || '[2J' || chr(155) || '2J' || chr(8238)"
    query = (
        f"select '{words}' as comment_text, {{text: '{words}'}} as row, ['{words}'] as texts, "
        f"'{key}' as x, {hostile} as y, 1 as \"a\x1b[2J\""
    )
    shown = checkout.study("sql", query, *form)
    assert words not in shown
    assert shown.count(f"[text of {len(words)} characters]") == 3
    assert key not in shown
    assert not set("\x1b\x9b\u202e") & set(shown)
    assert "\x1b" not in checkout.study("sql", f"select cast({hostile} as int)", *form, status=2)


def said_to(checkout: Checkout, where: int, *words: str) -> tuple[int, str]:
    """The status of a command with its output in a file of that number, and its errors."""
    done = subprocess.run(
        [sys.executable, "-c", "from analysis.cli import main; main()", *words],
        cwd=checkout.root,
        env=clean_environment() | {"PYTHONPATH": str(checkout.root / "src")},
        stdout=where,
        stderr=subprocess.PIPE,
        text=True,
    )
    return done.returncode, done.stderr


def test_who_reads_may_have_enough(checkout: Checkout) -> None:
    """As in `study metrics | head -1`: the command ends without a word."""
    read, write = os.pipe()
    os.close(read)
    try:
        assert said_to(checkout, write, "metrics")[1] == ""
        assert said_to(checkout, write, "metrics", "--json")[1] == ""
    finally:
        os.close(write)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_full_disk_under_what_is_said_is_one_line(checkout: Checkout, form: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        status, said = said_to(checkout, full.fileno(), "metrics", *form)
    assert (status, said) == (1, "study: no space left on the disk\n")


@pytest.mark.parametrize("words", [["plan"], ["list"], ["metrics"]])
def test_a_command_that_only_asks_imports_neither_engine_nor_arrays(
    checkout: Checkout, words: list[str]
) -> None:
    """Which took a third of its time."""
    code = (
        "import atexit, sys\n"
        "heavy = ('duckdb', 'pyarrow', 'numpy', 'pandas', 'sqlglot')\n"
        "atexit.register(lambda: print([m for m in heavy if m in sys.modules], file=sys.stderr))\n"
        "from analysis.cli import main; main()"
    )
    checkout.study("plan")  # what it asked the warehouse is noted
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=checkout.root,
        env=clean_environment() | {"PYTHONPATH": str(checkout.root / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "[]\n"
