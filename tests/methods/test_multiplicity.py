from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.methods.multiplicity import benjamini_hochberg


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_it_is_the_adjustment_of_statsmodels(p_values: list[float]) -> None:
    adjusted = benjamini_hochberg(np.array(p_values))
    np.testing.assert_allclose(adjusted, multipletests(p_values, method="fdr_bh")[1], atol=1e-12)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=30))
def test_what_cannot_be_compared_is_not_counted(given_p: list[float | None]) -> None:
    p_values = np.array([np.nan if p is None else p for p in given_p], float)
    adjusted = benjamini_hochberg(p_values)
    known = ~np.isnan(p_values)
    assert (np.isnan(adjusted) == ~known).all()
    np.testing.assert_array_equal(adjusted[known], benjamini_hochberg(p_values[known]))


def test_quiet_runs_call_a_move_no_more_often_than_promised() -> None:
    quiet = np.random.default_rng(8).random((2000, 20))
    called = [bool((benjamini_hochberg(run) <= 0.05).any()) for run in quiet]
    assert 0.035 <= np.mean(called) <= 0.065
