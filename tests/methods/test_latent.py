"""Dawid and Skene's model by crowd-kit: it finds truth and raters, and says where it can't."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from analysis.methods.latent import PackageMissing, dawid_skene


def rated(
    rng: np.random.Generator, items: int = 800, raters: int = 12
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    violates = rng.random(items) < 0.3
    item = np.repeat(np.arange(items), 4)
    rater = (rng.integers(0, raters, items)[:, None] + np.arange(4)).ravel() % raters
    sees, clears = rng.uniform(0.7, 0.97, raters), rng.uniform(0.85, 0.99, raters)
    right = rng.random(len(item)) < np.where(violates[item], sees[rater], clears[rater])
    return item, rater, violates[item] == right, violates


def test_truth_and_raters_are_found_without_any_answer() -> None:
    pytest.importorskip("crowdkit", reason="the extra `raters` is not installed")
    item, rater, label, violates = rated(np.random.default_rng(18))
    found = dawid_skene(item, rater, label)
    assert np.mean((found.probability > 0.5) == violates) > 0.96
    assert found.prevalence == pytest.approx(violates.mean(), abs=0.03)
    assert found.sensitivity == pytest.approx(label[violates[item]].mean(), abs=0.03)
    assert found.specificity == pytest.approx(1 - label[~violates[item]].mean(), abs=0.03)


def test_without_the_package_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("crowdkit"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(PackageMissing, match="extra `raters`"):
        dawid_skene(np.arange(4), np.zeros(4, int), np.arange(4) < 2)


def test_labels_of_one_kind_tell_nothing() -> None:
    with pytest.raises(ValueError, match="the same"):
        dawid_skene(np.arange(4), np.zeros(4, int), np.ones(4, bool))
