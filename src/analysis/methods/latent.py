"""What is true of items without a known answer, from labels that err: Dawid and Skene's model.

Each rater has a chance to see a violation and a chance to clear a harmless item; both, and each
item's own truth, are found together by expectation and maximisation (Dawid and Skene 1979, Applied
Statistics 28, 20-28), by the package crowd-kit (extra `raters`). It takes raters to err
independently of each other once the truth is given. Where some items are hard for all, that is not
so, and raters look better than they are: compare with known answers before it is believed.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.methods.buckets import Floats
from analysis.methods.clustered import Codes

MISSING = "crowd-kit is not installed; `pip install crowd-kit` or the extra `raters` brings it"
ROUNDS = 60


class PackageMissing(Exception):
    """crowd-kit, which is an extra, is not installed."""


@dataclass(frozen=True)
class Latent:
    """Items' truth as the model has it.

    Attributes:
        probability: by item code, that it violates.
        sensitivity, specificity: of labels against it, over all raters, 0 to 1.
        prevalence: the share of items that violate.
    """

    probability: Floats
    sensitivity: float
    specificity: float
    prevalence: float


def dawid_skene(item: Codes, rater: Codes, label: NDArray[np.bool_]) -> Latent:
    """The model's items and raters, from labels alone.

    Args:
        item, rater: codes of each label's item and rater; codes from 0 on, each item labelled.
        label: whether the rater said that it violates.

    Raises:
        PackageMissing: crowd-kit is not installed.
        ValueError: only one kind of label, or raters that nobody shares an item with.
    """
    if label.all() or not label.any():
        raise ValueError("dawid_skene: all labels are the same; nothing can be told apart")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of packages that crowd-kit imports
            from crowdkit.aggregation import DawidSkene
    except ImportError:
        raise PackageMissing(MISSING) from None
    rows = pd.DataFrame({"task": item, "worker": rater, "label": label.astype(int)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas' own, about what crowd-kit asks of it
        chances = DawidSkene(n_iter=ROUNDS).fit_predict_proba(rows)
    violates = chances[1].reindex(range(int(item.max()) + 1)).to_numpy()
    chance = violates[item]
    return Latent(
        violates,
        float(np.sum(chance * label) / np.sum(chance)),
        float(np.sum((1 - chance) * ~label) / np.sum(1 - chance)),
        float(np.mean(violates)),
    )
