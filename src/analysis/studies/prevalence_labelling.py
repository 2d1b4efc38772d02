"""The draws of a plan as files for labelling: ids only for those who label, weights beside."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.calendar import Window
from analysis.studies.findings import Finding
from analysis.writing import aside

if TYPE_CHECKING:
    from analysis.studies.prevalence_plan import Plan

FOLDER = "labelling"
NO_IDS = (
    "Who labels gets ids in random order, and neither scores nor weights. The weights lie beside, "
    "and come back with each post's label as labelled.csv, which `study acquire labelled_draws` "
    "loads into prevalence_draws."
)


@dataclass(frozen=True)
class Written:
    """The files of a sample.

    Attributes:
        to_label: one row a post: content_id.
        draws: one row a draw: draw_id, content_id, market, surface, drawn_at (the week's
            beginning), impressions, draw_probability, risk_score.
        posts, times: how many rows they have.
    """

    to_label: Path
    draws: Path
    posts: int
    times: int


def is_round(window: Window) -> bool:
    """Whether a window is a local week, which is what a sample is drawn of."""
    return window.start.weekday() == 0 and window.days == 7


def no_round_finding(made: Plan) -> Finding:
    """That nothing was drawn."""
    text = f"Nothing is drawn: a sampling round is a local week, and {made.study.window} is none."
    return Finding(
        name="draws_written", title="The draws", text=text, value=None, unit="count",
        confidence=None, verdict="unclear",
    )  # fmt: skip


def write_draws(made: Plan) -> Written:
    """Draws the sample and writes it below data/; the same run draws the same posts."""
    study, own = made.study, made.own
    rng, frame = study.rng(), made.loaded.frame
    place = rng.choice(len(frame), own.expected.draws, p=own.probability)
    drawn = frame.iloc[place].reset_index(drop=True)
    table = pd.DataFrame(
        {
            "draw_id": [_draw_id(study.seed, number) for number in range(len(drawn))],
            "content_id": drawn["content_id"],
            "market": study.market.code,
            "surface": drawn["surface"],
            "drawn_at": study.window.instants(study.market)[0].isoformat(),
            "impressions": drawn["views"],
            "draw_probability": own.probability[place],
            "risk_score": drawn["risk_score"],
        }
    )
    posts = rng.permutation(np.unique(drawn["content_id"].to_numpy()))
    folder = study.project.data / FOLDER / study.market.code / study.window.label
    folder.mkdir(parents=True, exist_ok=True)
    found = Written(folder / "to_label.csv", folder / "draws.csv", len(posts), len(table))
    _write(pd.DataFrame({"content_id": posts}), found.to_label)
    _write(table, found.draws)
    return found


def _draw_id(seed: int, number: int) -> int:
    """A pseudonym of a draw, below 2^63."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


def _write(table: pd.DataFrame, place: Path) -> None:
    with aside(place) as path:
        table.to_csv(path, index=False)


def written_finding(made: Plan, found: Written) -> Finding:
    """Where the files lie; none of their ids."""
    project = made.study.project
    text = (
        f"{found.posts:,} posts to label are in {project.relative(found.to_label)}, and their "
        f"{found.times:,} draws with weights in {project.relative(found.draws)}. The same run "
        "draws the same posts."
    )
    return Finding(
        name="draws_written",
        title="The draws",
        text=text,
        value=found.posts,
        unit="count",
        noun="posts",
        confidence=None,
        notes=(NO_IDS,),
    )
