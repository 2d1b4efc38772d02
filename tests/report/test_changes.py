"""What a run revised: numbers that differ, and those that are another number by now."""

from __future__ import annotations

from analysis.report.changes import revisions
from samples import finding


def test_a_number_that_is_told_in_another_unit_is_a_new_one() -> None:
    """0.0349 of one view is no 0.0349 of a thousand."""
    then = finding(value=0.0349, low=0.02, high=0.06, unit="ratio")
    now = finding(value=34.9, low=20, high=60, unit="per_thousand")
    (found,) = revisions([then], [now])
    assert (found.unit, found.before) == ("per_thousand", None)
    assert found.after is not None
    assert found.after.value == 34.9


def test_what_floating_point_leaves_is_no_revision() -> None:
    then, now = finding(value=0.1 + 0.2), finding(value=0.3)
    assert list(revisions([then], [now])) == []


def test_a_number_that_may_not_be_shown_any_more_is_not_told_as_the_one_before() -> None:
    then = finding(value=16.0, low=9.0, high=27.0, unit="count", sample="16 removals")
    (found,) = revisions([then], [then.withheld()], minimum=11)
    assert found.before == found.after
    assert found.before is not None
    assert (found.before.value, found.before.low, found.before.high) == (None, None, None)
