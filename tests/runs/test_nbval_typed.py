"""Typed displays are compared number by number within a tolerance, the rest as nbval does."""

from __future__ import annotations

import pytest

from analysis.runs.nbval_typed import compare, gated, split
from analysis.studies.findings import FINDING


def shown(value: float, text: str = "some words") -> dict[str, object]:
    data = {FINDING: {"name": "rate", "value": value}, "text/plain": text}
    return {"output_type": "display_data", "data": data, "metadata": {}}


@pytest.mark.parametrize(
    ("then", "now", "differences"),
    [
        ({"a": 1.0}, {"a": 1.0 + 1e-12}, []),
        ({"a": 0.3}, {"a": 0.1 + 0.2}, []),
        ({"a": 1.0}, {"a": 1.001}, ["x.a: 1.0 then, 1.001 now"]),
        ({"a": None}, {"a": 1}, ["x.a: 'None' then, '1' now"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["x.a[1]: 2 then, 3 now"]),
        ({"a": [1]}, {"a": [1, 2]}, ["x.a: '[1]' then, '[1, 2]' now"]),
        ({"a": "up"}, {"a": "down"}, ["x.a: 'up' then, 'down' now"]),
        ({}, {"a": 1}, ["x.a: 'None' then, '1' now"]),
    ],
)
def test_compare(then: object, now: object, differences: list[str]) -> None:
    assert list(compare(then, now, "x")) == differences


def test_words_made_from_numbers_that_agree_are_not_compared_again() -> None:
    differences, test, ref = split([shown(0.3, "0.3")], [shown(0.30000000000000004, "0.30")])
    assert differences == []
    assert test == ref


def test_a_display_that_is_gone_is_a_difference() -> None:
    differences, _, _ = split([shown(1.0), shown(2.0)], [shown(1.0)])
    assert differences == [f"2 displays of {FINDING} then, 1 now"]


def test_other_output_is_left_to_nbval() -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": "hello"}
    assert split([stream], [stream]) == ([], [stream], [stream])


def test_outputs_pass_the_gate_unless_they_say_what_passed_it() -> None:
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    said = {"output_type": "stream", "name": "stdout", "text": f"key {key}"}
    now = [shown(0.3), shown(0.4, key), said]
    same, other, text = gated(now, [shown(0.3), shown(0.5), said])
    assert same is now[0]
    assert key not in str(other)
    assert key not in str(text)
    assert len(gated(now, [])) == 3
