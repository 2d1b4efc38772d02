"""Shares of survey samples held to R's `survey`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.prevalence import Items
from analysis.methods.survey import METHODS, common_limits, linearised
from support import missing


@pytest.fixture(scope="module")
def by_r(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A sample with strata, clusters and unequal probabilities, and what R makes of it."""
    rscript = shutil.which("Rscript")
    loads = [rscript or "", "-e", "library(survey)"]
    if not rscript or subprocess.run(loads, capture_output=True).returncode:
        missing("R's survey is not installed; tests/install-system-packages.sh does it")
    folder = tmp_path_factory.mktemp("survey")
    rng, size = np.random.default_rng(20260302), 400
    cluster = np.sort(rng.integers(0, 60, size))
    rows = pd.DataFrame(
        {
            "label": (rng.random(size) < 0.04 + 0.1 * (cluster % 7 == 0)).astype(int),
            "one": 1.0,
            "stratum": cluster % 4,
            "cluster": cluster,
            "weight": rng.lognormal(0, 0.7, size),
            "probability": rng.uniform(0.001, 0.01, size),
            "inclusion": rng.uniform(0.05, 0.95, size),
            "share": rng.lognormal(0, 1, size) / 1000,
        }
    )
    rows["taken"] = rows["label"] * rows["share"]
    rows.to_csv(folder / "design.csv", index=False)
    script = Path(__file__).with_name("survey.R")
    subprocess.run([rscript, script, folder], check=True, capture_output=True)
    return rows, pd.read_csv(folder / "found.csv").set_index(["design", "method"])


@pytest.mark.parametrize("design", ["simple", "stratified", "clustered", "pps"])
def test_shares_and_intervals_are_rs(by_r: tuple[pd.DataFrame, pd.DataFrame], design: str) -> None:
    rows, expected = by_r
    weight = {"simple": rows["one"], "pps": 1 / rows["probability"]}.get(design, rows["weight"])
    strata = rows["stratum"].to_numpy() if design in ("stratified", "clustered") else None
    clusters = rows["cluster"].to_numpy() if design == "clustered" else None
    found = linearised(rows["label"].to_numpy(), weight.to_numpy(), strata, clusters)
    for method in (*METHODS, "xlogit"):
        theirs = expected.loc[(design, method)]
        assert found.value == pytest.approx(theirs["value"], rel=1e-6)
        assert found.error == pytest.approx(theirs["error"], rel=1e-6)
        ours = "logit" if method == "xlogit" else method
        value, variance = np.array(found.value), np.array(found.variance)
        low, high = common_limits(value, variance, found.size, found.degrees, ours)
        # R's profile of the likelihood is read off a spline.
        close = 2e-3 if method == "likelihood" else 1e-6
        ends = theirs["low"], theirs["high"]
        assert (float(low), float(high)) == pytest.approx(ends, rel=close)


def test_the_headline_is_rs_with_independent_inclusion(
    by_r: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    rows, expected = by_r
    label, chance = rows["label"].to_numpy(float), rows["inclusion"].to_numpy()
    place = np.arange(len(rows))
    found = Items(label, np.ones(len(rows)), 1 - chance, place).ratio()
    ratio = expected.loc[("poisson", "ratio")]
    assert found.value == pytest.approx(ratio["value"], rel=1e-6)
    assert found.error == pytest.approx(ratio["error"], rel=1e-6)
    found = Items(label, rows["share"].to_numpy(), 1 - chance, place).horvitz_thompson()
    total = expected.loc[("poisson", "total")]
    assert found.value == pytest.approx(total["value"], rel=1e-6)
    assert found.error == pytest.approx(total["error"], rel=1e-6)


def test_a_stratum_of_one_cluster_is_refused() -> None:
    label, weight = np.array([0.0, 1.0, 1.0]), np.ones(3)
    with pytest.raises(ValueError, match="a stratum has a single cluster"):
        linearised(label, weight, np.array([0, 0, 1]))
