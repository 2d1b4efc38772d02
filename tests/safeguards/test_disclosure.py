"""Disclosure control attacked: subtraction, shares, copies, other tables, other windows."""

from __future__ import annotations

import json
from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.figures.displays import Column, Figure, Table
from analysis.report.guarded import guard
from analysis.report.page import data_files, render
from analysis.report.record import findings_of
from analysis.runs.nested import Other, small
from analysis.safeguards.disclosure import SUPPRESSED, Rules, Sheet, Statement, control
from analysis.safeguards.disclosure.rates import unsafe, unsafe_each
from analysis.studies.findings import NOT_SAID, NOT_SHOWN
from attacker import Sum, bounds
from samples import code, finding, notebook, picture, record, show

RULES = Rules()
POLICIES = ["spam", "hate speech", "harassment", "fraud", "nudity"]
ACTIONS = ["remove", "restrict", "no_action"]


def sheet(name: str, rows: list[list[object]], *keys: str) -> Sheet:
    shapes = ["text" if isinstance(value, str) else "" for value in rows[0]]
    return Sheet(name, keys, keys, shapes, rows)  # type: ignore[arg-type]


def seen(one: Sheet, place: tuple[int, int]) -> int | None:
    return None if place in one.hidden else one.count(place)


def attack(counts: dict[str, int], shown: dict[str, int | None], sums: list[Sum]) -> int:
    """How many small counts were attacked; fails where one comes back."""
    targets = [name for name, count in counts.items() if 0 < count < RULES.minimum]
    for name in targets:
        assert shown[name] is None, f"{name} = {counts[name]} is shown"
        low, high = bounds(name, shown, sums)
        assert high >= RULES.minimum, f"{name} = {counts[name]} must lie in {low} to {high}"
        assert high - low >= RULES.minimum - 1
    return len(targets)


def made(seed: int) -> np.ndarray:
    """Counts of policies by actions, few of them small, some zero."""
    random = np.random.default_rng(seed)
    counts = random.integers(12, 400, (len(POLICIES), len(ACTIONS)))
    few = random.random(counts.shape)
    counts = np.where(few < 0.2, random.integers(1, 11, counts.shape), counts)
    return np.where(few > 0.93, 0, counts)


@pytest.mark.parametrize("seed", range(12))
def test_a_table_and_its_margins(seed: int) -> None:
    """Rows, a total row, a total column; each policy's total in a table of its own as well."""
    counts = made(seed)
    rows: list[list[object]] = [
        [policy, *map(int, line), int(line.sum())]
        for policy, line in zip(POLICIES, counts, strict=True)
    ]
    rows.append(["all policies", *map(int, counts.sum(0)), int(counts.sum())])
    wide = sheet("wide", rows, "policy", *ACTIONS, "decisions")
    margin = sheet("margin", [[r[0], r[-1]] for r in rows[:-1]], "policy", "decisions")
    control([wide, margin], [], RULES)
    true: dict[str, int] = {}
    shown: dict[str, int | None] = {}
    for (i, row), (j, action) in product(enumerate(rows), enumerate([*ACTIONS, "decisions"], 1)):
        name = f"{row[0]}/{action}"
        true[name], shown[name] = int(row[j]), seen(wide, (i, j))  # type: ignore[call-overload]
        if action == "decisions" and i < len(POLICIES) and seen(margin, (i, 1)) is not None:
            shown[name] = seen(margin, (i, 1))
    sums: list[Sum] = [([f"{r[0]}/{a}" for a in ACTIONS], f"{r[0]}/decisions") for r in rows]
    sums += [([f"{p}/{a}" for p in POLICIES], f"all policies/{a}") for a in [*ACTIONS, "decisions"]]
    attack(true, shown, sums)


@pytest.mark.parametrize("seed", range(12))
def test_parent_and_child_domains_of_two_tables(seed: int) -> None:
    """A long table of policy and action, one of policies, one of actions, and a headline total."""
    counts = made(100 + seed)
    cells = list(product(range(len(POLICIES)), range(len(ACTIONS))))
    long = sheet(
        "long",
        [[POLICIES[i], ACTIONS[j], int(counts[i, j])] for i, j in cells],
        "policy",
        "action",
        "n",
    )
    policies = sheet(
        "policies", [[p, int(counts[i].sum())] for i, p in enumerate(POLICIES)], "policy", "n"
    )
    actions = sheet(
        "actions", [[a, int(counts[:, j].sum())] for j, a in enumerate(ACTIONS)], "action", "n"
    )
    control([long, policies, actions], [], RULES)
    true = {f"{POLICIES[i]}/{ACTIONS[j]}": int(counts[i, j]) for i, j in cells}
    shown = {f"{POLICIES[i]}/{ACTIONS[j]}": seen(long, (at, 2)) for at, (i, j) in enumerate(cells)}
    for at, policy in enumerate(POLICIES):
        true[policy], shown[policy] = int(counts[at].sum()), seen(policies, (at, 1))
    for at, action in enumerate(ACTIONS):
        true[action], shown[action] = int(counts[:, at].sum()), seen(actions, (at, 1))
    true["all"] = shown["all"] = int(counts.sum())
    sums: list[Sum] = [([f"{p}/{a}" for a in ACTIONS], p) for p in POLICIES]
    sums += [([f"{p}/{a}" for p in POLICIES], a) for a in ACTIONS]
    sums += [(POLICIES, "all"), (ACTIONS, "all")]
    attack(true, shown, sums)


def test_a_subtotal_keeps_its_parts() -> None:
    rows: list[list[object]] = [
        ["Europe", 95], ["Germany", 5], ["France", 20], ["Spain", 70],
        ["Asia", 47], ["Japan", 15], ["Nepal", 32],
    ]  # fmt: skip
    one = sheet("markets", rows, "region", "reports")
    control([one], [], RULES)
    assert (1, 1) in one.hidden
    shown = {str(row[0]): seen(one, (at, 1)) for at, row in enumerate(rows)}
    sums: list[Sum] = [(["Germany", "France", "Spain"], "Europe"), (["Japan", "Nepal"], "Asia")]
    attack({str(row[0]): int(str(row[1])) for row in rows}, shown, sums)


def test_nothing_is_hidden_where_nothing_is_small_and_zero_is_shown() -> None:
    one = sheet(
        "a", [["spam", 120, 0.5], ["hate", 0, None], ["fraud", 11, None]], "policy", "n", "rate"
    )
    found = control([one], [Statement("a", "A", 0.5, "share", "240 draws")], RULES)
    assert one.hidden == set()
    assert found.statements == frozenset()


@pytest.mark.parametrize(
    ("row", "hidden"),
    [
        (["spam", 57, 0.2631578947368421], {2}),  # over fewer than 100
        (["spam", 1204, 3 / 1204], {2}),  # 3 of them
        (["spam", 1204, 1200 / 1204], {2}),  # all but 4
        (["spam", 1204, 0.25], set()),
        (["spam", 100, 0.11], set()),
        (["spam", 99, "26.3% (15.0% to 41.0%)"], {2}),
        (["spam", 1204, 0.0], set()),
        (["spam", 1204, None], set()),
    ],
)
def test_rates(row: list[object], hidden: set[int]) -> None:
    one = sheet("rates", [row, ["hate speech", 400, 0.5]], "policy", "draws", "rate")
    control([one], [], RULES)
    assert {at for line, at in one.hidden if line == 0} == hidden


@pytest.mark.parametrize(
    ("key", "value", "rests_on", "hidden"),
    [
        ("value_share", 0.2631, None, True),  # of how many, nothing says
        ("value_share", 0.2631, 60, True),
        ("value_share", 0.2631, 100, False),
        ("value_share", 0.0, None, False),
        ("interval", "26.3% (15.0% to 41.0%)", None, True),
        ("interval", "none seen, at most 4.0%", None, True),
        ("interval", "none seen, at most 4.0%", 700, False),
        ("title", "Removed within 24 hours, at best 40%", None, False),
        ("hours", 0.2631, None, False),
    ],
)
def test_a_rate_says_what_it_rests_on(
    key: str, value: object, rests_on: int | None, hidden: bool
) -> None:
    one = sheet("trend", [["2026-W09", value], ["2026-W10", value]], "window", key)
    one.rests_on = rests_on
    control([one], [], RULES)
    assert one.hidden == ({(0, 1), (1, 1)} if hidden else set())


@pytest.mark.parametrize("key", ["rate", "level", "test", "share", "p_value"])
def test_no_name_of_a_column_lets_a_rate_over_too_few_through(key: str) -> None:
    one = Sheet("t", ["what", "count", key], ["", "", ""], ["text", "count", "share"],
                [["appeals", 59, 4 / 59], ["reports", 400, 0.5123]])  # fmt: skip
    control([one], [], RULES)
    assert one.hidden == {(0, 2)}


def test_an_interval_goes_with_its_rate() -> None:
    """From 0.5% to 8.1% who knows the method has the 2.4%, which are 3 of 125."""
    rows: list[list[object]] = [
        ["spam", 125, 3 / 125, 0.005, "0.5% to 8.1%"],
        ["hate speech", 400, 0.5, 0.45, "45.0% to 55.0%"],
    ]
    one = sheet("rates", rows, "policy", "draws", "rate", "low", "interval")
    control([one], [], RULES)
    assert one.hidden == {(0, 2), (0, 3), (0, 4)}


def test_a_row_goes_with_its_finding_though_its_unit_stands_behind_its_name() -> None:
    rows: list[list[object]] = [["Appeal rate (per 100)", "11", "0 to 72"], ["Views", "3.1", "–"]]
    one = sheet("quality", rows, "title", "value", "interval")
    few = Statement("appeal_rate", "Appeal rate", 0.11, "share", "9 decisions")
    control([one], [few], RULES)
    assert one.hidden == {(0, 1), (0, 2)}


@pytest.mark.parametrize(
    ("unit", "units", "value", "hidden"),
    [
        ("share", 57, 0.26, True),  # over fewer than 100
        ("hours", 57, 0.26, False),  # a time is no part of what it rests on
        ("hours", 9, 0.26, True),
        ("hours", 50, 0.1, False),  # 5 of 50 were it a share
        ("count", 57, 3.5, False),  # a median of views
        ("mean", 57, 19.35, False),
        ("mean", 9, 19.35, True),
        ("mean", 500, 4 / 500, True),  # 4 of them in all
        ("per_million", 9_535, 3e6 / 9_535, True),  # 3 of them
        ("per_million", 9_535, 25e6 / 9_535, False),
        ("ratio", 500, 9 / 500, True),
    ],
)
def test_numbers_of_a_row_that_names_their_unit(
    unit: str, units: int, value: float, hidden: bool
) -> None:
    rows: list[list[object]] = [["x", unit, value, units], ["y", unit, 0.5123, 400]]
    one = sheet("trends", rows, "metric", "unit", "value", "units")
    control([one], [], RULES)
    assert ((0, 2) in one.hidden) == hidden


def test_a_share_of_a_total_does_not_give_a_hidden_count_back() -> None:
    rows: list[list[object]] = [["spam", 7, 7 / 507], ["hate", 100, 100 / 507], ["all", 507, 1.0]]
    as_text = [[row[0], row[1], f"{float(str(row[2])):.1%}"] for row in rows]
    for given_rows in (rows, as_text):
        one = sheet("shares", given_rows, "policy", "reports", "of_all")
        control([one], [], RULES)
        assert {(0, 1), (0, 2)} <= one.hidden


def test_what_is_no_person_is_shown() -> None:
    one = Sheet(
        "a",
        ["market", "windows", "n_days"],
        ["", "", ""],
        ["text", "count", "count"],
        [["JP", 3, 7]],
    )
    control([one], [Statement("moved", "What moved", 3, "count", "43 metrics")], RULES)
    assert one.hidden == set()


@pytest.mark.parametrize(
    ("statement", "unsafe"),
    [
        (Statement("a", "Removals", 3, "count", ""), True),
        (Statement("a", "Removals", 11, "count", ""), False),
        (Statement("a", "Removals", 40, "count", "40 removals", (4.0,)), True),
        (Statement("a", "Overturn rate", 0.3, "share", "57 resolved appeals"), True),
        (Statement("a", "Overturn rate", 0.3, "share", "fewer than 11 appeals"), True),
        (Statement("a", "Overturn rate", 0.3, "share", "570 appeals"), False),
        (Statement("a", "Overturn rate", 0.3, "share", ""), True),
        (Statement("a", "Overturn rate", 0.3, "share", "appeals of the quarter"), True),
        (Statement("a", "Overturn rate", None, "share", ""), False),
        (Statement("a", "Overturn rate", 0.3, "share", "21 markets"), False),
        (Statement("a", "Overturn rate", 5 / 570, "share", "570 appeals"), True),
        (Statement("a", "Overturn rate", 566 / 570, "share", "570 appeals"), True),
        (Statement("a", "Removals", 9 / 500, "ratio", "500 posts"), True),
        (Statement("a", "Reports", 3e6 / 9_535, "per_million", "9,535 views"), True),
        (Statement("a", "Reports", 25e6 / 9_535, "per_million", "9,535 views"), False),
        (Statement("a", "Views before removal", 19.35, "mean", "48 removals"), False),
        (Statement("a", "Views before removal", 19.35, "mean", "9 removals"), True),
        (Statement("a", "Views before removal", 4 / 200, "mean", "200 removals"), True),
        (Statement("a", "Median time", 3.5, "hours", "57 removals"), False),
        (Statement("a", "Median time", 3.5, "hours", "9 removals"), True),
        (Statement("a", "Rank", 3, "rank", "48 other markets"), False),
        (Statement("a", "Overturn rate", None, "share", "0 appeals"), False),
        (Statement("days_without", "Days", 3, "count", ""), False),
        (Statement("median_views", "Median views", 4, "count", "240 removals"), False),
        (Statement("median_views", "Median views", 4, "count", "9 removals"), True),
        (Statement("where", "Where", 2, "count", "", (), "2 of 21 parts differ."), False),
        (Statement("where", "Where", 2, "count", "", (), "2 of 21 creators."), True),
    ],
)
def test_findings(statement: Statement, unsafe: bool) -> None:
    assert statement.unsafe(RULES) == unsafe


def run(tmp_frame: pd.DataFrame, *also: object) -> tuple[dict[str, str], str]:
    """Everything that a run with this table, and the figure of the same numbers, leaves."""
    columns = (Column("policy", "Policy"), Column("reports", "Reports", "count"))
    figure = Figure(
        "bars", "Nudity has 3 reports", "Bars: nudity 3.", "Nudity: 3.", tmp_frame, picture()
    )
    shown = [figure, Table("reports", "Nudity has 3 of 1,203 reports", tmp_frame, columns), *also]
    kept, withheld = guard(notebook(code("x", *show(*shown))), None, RULES)
    made_record = record(findings=findings_of(kept), withheld=withheld)
    page = render(kept, made_record, site_title="s")
    files = {
        **data_files(kept),
        "run.json": made_record.model_dump_json(),
        "notebook": json.dumps(kept),
    }
    return files, page


FRAME = pd.DataFrame({"policy": ["Spam", "Hate", "Nudity"], "reports": [700, 500, 3]})


@pytest.mark.parametrize(("value", "shown"), [(0.25, None), (0.5, 0.5)])
def test_what_a_number_rests_on_says_no_small_count(value: float, shown: float | None) -> None:
    sample = "14 labels of 2 reviewers" if shown is None else "400 labels of 2 reviewers, 7 days"
    given = finding(value=value, sample=sample, unit="share")
    (kept,) = findings_of(guard(notebook(code("x", *show(given))), rules=RULES)[0])
    assert kept.value == shown
    assert kept.sample == sample.replace("2 reviewers", "fewer than 11 reviewers")


def test_csv_figure_page_and_words_hide_the_same() -> None:
    told = finding(
        "few", title="Nudity", text="Nudity:  3 reports, 3 of 1,203.", value=3, unit="count",
        sample="", comparisons=(), notes=("Nudity had 3.",),
    )  # fmt: skip
    files, page = run(FRAME, told)
    assert files["bars.csv"].splitlines()[1:] == files["reports.csv"].splitlines()[1:]
    assert files["reports.csv"].splitlines()[1:] == [
        "Spam,700",
        f"Hate,{SUPPRESSED}",
        f"Nudity,{SUPPRESSED}",
    ]
    assert "<svg" not in page
    assert "<svg" not in files["notebook"]
    assert NOT_SHOWN in page
    for name, text in {**files, "page": page}.items():
        for told_small in (
            " 3 reports",
            "Nudity 3",
            "nudity 3",
            ": 3.",
            "had 3",
            "has 3",
            "3 of 1,203",
        ):
            assert told_small not in text, (name, told_small)
    assert "numbers are suppressed" in page
    assert "counts from 1 to 10, rates that rest on fewer than 100" in page
    assert "1 picture is left out" in page


def test_a_reader_sees_why_a_figure_is_a_table_and_a_finding_no_number() -> None:
    rates = pd.DataFrame({"window": ["2026-W09", "2026-W10"], "value_share": [0.1, 0.2]})
    figures = [Figure(name, "t", "a", "c", rates, picture(), n) for name, n in (("few", 60),)]
    founded = Figure("many", "t", "a", "c", rates, picture(), 700)
    told = finding("unsaid", value=0.3, sample="")
    kept, withheld = guard(notebook(code("x", *show(*figures, founded, told))), None, RULES)
    assert (withheld.pictures, withheld.cells) == (1, 3)
    page = render(kept, record(findings=findings_of(kept), withheld=withheld), site_title="s")
    assert page.count("In the place of a picture: it drew a number that may not be shown") == 1
    assert page.count("<svg") == 1
    assert NOT_SAID in page
    assert "or do not say on how many" in page


def test_a_frame_that_is_only_printed_is_left_out() -> None:
    from nbformat.v4 import new_output

    data = {"text/plain": FRAME.to_string(), "text/html": FRAME.to_html()}
    cells = [
        code("x", new_output("execute_result", data=data)),
        code("x", new_output("stream", name="stdout", text=FRAME.to_string())),
        code("x", new_output("stream", name="stdout", text=str(FRAME["reports"]))),
    ]
    kept, withheld = guard(notebook(*cells), None, RULES)
    assert "Nudity" not in json.dumps(kept)
    assert "rows printed as text" in withheld.kinds


def test_what_others_published_is_left_as_it_is() -> None:
    columns = (Column("policy", "Policy"), Column("reports", "Reports", "count"))
    kept, withheld = guard(notebook(code("x", *show(Table("t", "c", FRAME, columns)))), None, None)
    assert "Nudity,3" in data_files(kept)["t.csv"]
    assert withheld.cells == 0


@pytest.mark.parametrize(
    ("start", "end", "count", "hidden"),
    [
        (date(2026, 3, 2), date(2026, 3, 10), 705, True),  # one day more: 5
        (date(2026, 3, 2), date(2026, 3, 10), 700, False),  # one day more: none
        (date(2026, 3, 2), date(2026, 3, 10), 760, False),
        (date(2026, 3, 3), date(2026, 3, 9), 696, True),  # one day less
        (date(2026, 2, 23), date(2026, 3, 9), 1007, True),  # both weeks, and 7 that are in neither
        (date(2026, 3, 4), date(2026, 3, 12), 705, False),  # neither lies in the other
    ],
)
def test_windows_that_differ_by_a_day(start: date, end: date, count: int, hidden: bool) -> None:
    key = ("reports", frozenset({"spam"}), "n")
    known = [
        Other(date(2026, 3, 2), date(2026, 3, 9), {key: 700}),
        Other(date(2026, 2, 23), date(2026, 3, 2), {key: 300}),
    ]
    known = [o for o in known if o.within(start, end) or (o.start <= start and end <= o.end)]
    one = sheet("reports", [["spam", count], ["hate", 900], ["fraud", 60]], "policy", "n")
    cells = small([one], start, end, known, RULES)
    assert bool(cells) == hidden
    control([one], [], RULES, cells)
    assert ((0, 1) in one.hidden) == hidden
    if hidden:  # and what is hidden can't be told from the total so well that the day comes back
        assert len(one.hidden) > 1


def test_a_window_that_a_shorter_one_overlaps_is_subtracted_too() -> None:
    """The shorter one hides its own count; of two that overlap each may be the one that tells."""
    key = ("reports", frozenset({"spam"}), "n")
    days = [
        Other(date(2026, 3, 2), date(2026, 3, 7), {}),
        Other(date(2026, 3, 8), date(2026, 3, 9), {key: 40}),
    ]
    week = Other(date(2026, 3, 2), date(2026, 3, 9), {key: 700})
    one = sheet("reports", [["spam", 705]], "policy", "n")
    for known in ([*days, week], [week, *days]):
        assert small([one], date(2026, 3, 2), date(2026, 3, 10), known, RULES)


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        ({"unit": "count", "value": 16.0, "sample": "16 removals"}, {"count": 13}),
        (
            {"unit": "per_thousand", "value": 16 / 316 * 1000, "sample": "316 posts"},
            {"count": 13, "base": 268},
        ),
        ({"unit": "share", "value": 30 / 400, "sample": "400 appeals"}, {"count": 29, "base": 300}),
        ({"unit": "share", "value": 30 / 400, "sample": "400 appeals"}, {"base": 391}),
        ({"unit": "hours", "value": 2.5, "sample": "16 removals"}, {"base": 13}),
    ],
)
def test_findings_of_windows_that_lie_in_one_another(
    changes: dict[str, object], before: dict[str, int]
) -> None:
    """A day more, and a few more: counts, shares that are counts of their sample, samples."""
    row = frozenset({"removals"})
    counts = {("findings", row, column): count for column, count in before.items()}
    week = Other(date(2026, 3, 2), date(2026, 3, 9), counts)

    def told(sheets: list[Sheet]) -> dict[tuple[int, int, int], int]:
        return small(sheets, date(2026, 3, 1), date(2026, 3, 9), [week], RULES)

    given = finding("removals", low=None, high=None, comparisons=(), **changes)
    for away, shown in ((None, given.value), (told, None)):
        kept, withheld = guard(notebook(code("x", *show(given))), rules=RULES, small=away)
        assert findings_of(kept)[0].value == shown
        assert findings_of(kept)[0].sample == (given.sample if shown else "")
        assert withheld.cells == (shown is None)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=9))
def test_any_column_with_a_known_total(counts: list[int]) -> None:
    names = [f"policy {at}" for at in range(len(counts))]
    one = sheet("t", [[name, n] for name, n in zip(names, counts, strict=True)], "policy", "n")
    control([one], [], RULES)
    shown = {name: seen(one, (at, 1)) for at, name in enumerate(names)}
    total = sum(counts)
    if total >= 2 * RULES.minimum:
        attackable = {
            name: n
            for name, n in zip(names, counts, strict=True)
            if sum(each for each in counts if each) - n >= RULES.minimum
        }
        attack(attackable, {**shown, "all": total}, [(names, "all")])
    for name, n in zip(names, counts, strict=True):
        assert not (0 < n < RULES.minimum and shown[name] is not None)


@given(
    st.integers(0, 400).flatmap(
        lambda base: st.tuples(
            st.just(base),
            st.one_of(
                st.integers(0, max(base, 1)).map(lambda count: count / max(base, 1)),
                st.floats(0, 3),
                st.just(float("nan")),
            ),
        )
    )
)
def test_rates_at_once_are_judged_as_each_alone(case: tuple[int, float]) -> None:
    base, value = case
    found = unsafe_each(np.array([value]), np.array([float(base)]), RULES)
    assert found.tolist() == [unsafe(value, [base], RULES)]
