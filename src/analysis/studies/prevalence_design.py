"""prevalence_design: what the notebook of this name calls.

Whose views to look at next: the posts of the window stand for those of the next one. The designs
and what to expect of them are in `methods/sampling_design.py`; the draws leave as files below
data/, since ids of posts belong into no page.
"""

from __future__ import annotations

import pandas as pd
from pydantic import Field

from analysis.calendar import Window
from analysis.errors import NoData
from analysis.figures.displays import Column, Figure, Table
from analysis.figures.tradeoffs import Tradeoff, tradeoffs
from analysis.methods.sampling_design import expect
from analysis.studies.base import Study, StudyParameters
from analysis.studies.findings import Finding
from analysis.studies.prevalence_labelling import (
    is_round,
    no_round_finding,
    write_draws,
    written_finding,
)
from analysis.studies.prevalence_plan import STRATA, Loaded, Plan, Z, make_plan, most_labels, strata
from analysis.studies.prevalence_sample import (
    Drawn,
    calibrated,
    load_draws,
    load_posts,
)
from analysis.studies.shares import share_scale

NO_CERTAINTY = (
    "Expected under the calibrated scores of past draws. Where a widely viewed post violates "
    "against its score, the interval will be wider."
)
MORE_SEEN = (
    "No design gives the same precision with fewer violating posts seen than random views would: "
    "precision comes from seeing violations. What a score saves is harmless posts."
)


class Parameters(StudyParameters):
    """What a run of this study takes; each field is a name in the notebook's tagged cell."""

    labels: int = Field(200, ge=10, le=10_000_000, description="posts to label, at most")
    precision: float = Field(
        0.0, ge=0, le=1, description="half the interval over the share; 0 goes by labels"
    )
    defensive: float = Field(0.05, ge=0.01, le=1, description="draws that go by views alone")
    history: int = Field(13, ge=1, le=104, description="windows whose labels calibrate the score")
    simulations: int = Field(400, ge=100, le=20_000, description="samples for the interval")


def load(study: Study) -> Loaded:
    """Posts and views of the window, and what past labels say of scores.

    Raises:
        NoData: there are no views, or no labelled draws yet.
    """
    windows = [study.window]
    for _ in range(study.parameters.history - 1):
        windows.append(windows[-1].previous())
    drawn = load_draws(study, windows)
    if not drawn:
        reason = f"no labelled draws of {study.market.name} up to {study.window}"
        raise NoData(f"{reason}; a first sample can go by views alone")
    posts = load_posts(study, study.window)
    return Loaded(posts, calibrated(drawn.values()), _sensitive(study, drawn))


def _sensitive(study: Study, drawn: dict[Window, Drawn]) -> float:
    grave = {name for name, policy in study.project.policies.items() if policy.sensitive}
    rows = pd.concat([each.items() for each in drawn.values()])
    policies = rows["policy"][rows["label"].astype(bool)].dropna()
    return float(policies.isin(grave).mean()) if len(policies) else 1.0


def plan(study: Study, loaded: Loaded) -> Plan:
    """The design of least variance within the budget, or of the precision that was asked for."""
    return make_plan(study, loaded)


def expectation(made: Plan) -> Finding:
    """What to draw and what to expect of it."""
    own, study = made.own.expected, made.study
    scale = share_scale(own.value, made.low, made.high)
    text = (
        f"{own.draws:,} draws give about {own.items:,.0f} posts to label, of which about "
        f"{own.events:,.1f} violate. The interval would run from {scale.short(made.low)} to "
        f"{scale.short(made.high)}, if the share is {scale.short(own.value)}."
    )
    return Finding(
        name="expected_of_the_plan",
        title="Posts to label",
        text=text,
        value=round(own.items),
        unit="count",
        noun="posts",
        confidence=None,
        sample=f"posts and views of {study.window} as those to come",
        headline=True,
        notes=(NO_CERTAINTY, *_smaller(made)),
    )


def _smaller(made: Plan) -> tuple[str, ...]:
    """That the budget is more than a small market has use for."""
    asked, most = made.study.parameters.labels, most_labels(made.loaded)
    if made.study.parameters.precision or asked <= most:
        return ()
    said = (
        f"{asked:,} labels were asked for; {made.study.market.name} has {len(made.loaded.frame):,} "
        "posts with views, and a sample takes nine in ten of them at most."
    )
    return (said,)


def spared(made: Plan) -> Finding:
    """What reviewers are spared against views drawn at random, at the same precision."""
    own, simple = made.own, made.designs[1]
    posts = round(simple.expected.items) - round(own.expected.items)
    graver = made.sensitive(simple) - made.sensitive(own)
    by_score = made.sensitive(made.designs[2]) - made.sensitive(own)
    more = "fewer" if graver >= 0 else "more"
    text = (
        f"{abs(posts):,} {'fewer' if posts >= 0 else 'more'} posts to label than with views drawn "
        f"at random, for the same precision ({round(simple.expected.items):,} then). Of the posts "
        f"labelled about {made.sensitive(own):,.1f} are sensitive, {abs(graver):,.1f} {more} than "
        f"with views at random, and {abs(by_score):,.1f} {'fewer' if by_score >= 0 else 'more'} "
        "than with views times the score itself."
    )
    return Finding(
        name="posts_spared",
        title="Posts that reviewers are spared",
        text=text,
        value=posts,
        unit="count",
        noun="posts",
        confidence=None,
        headline=True,
        notes=(MORE_SEEN,) if graver < 0 else (),
    )


def design_table(made: Plan) -> Table:
    """The designs side by side, at one precision."""
    rows = [
        {
            "title": design.title,
            "draws": design.expected.draws,
            "items": round(design.expected.items),
            "events": f"{design.expected.events:.1f}",
            "sensitive": f"{made.sensitive(design):.1f}",
        }
        for design in made.designs
    ]
    columns = (
        Column("title", "Drawn in proportion to"),
        Column("draws", "Draws", "count"),
        Column("items", "Posts to label", "count"),
        Column("events", "Violating among them, expected"),
        Column("sensitive", "Sensitive among them, expected"),
    )
    note = (
        "All for the standard error of the first row. A post that is drawn twice is labelled once. "
        f"Of violating posts labelled before, {made.loaded.sensitive:.0%} violate a policy that "
        "params/policies.yaml marks as sensitive."
    )
    return Table("designs", "Designs of the same precision", pd.DataFrame(rows), columns, note)


def strata_table(made: Plan) -> Table:
    """The alternative: views at random within ranges of the score, by Neyman's allocation."""
    found = strata(made)
    total = sum(stratum.draws for stratum in found)
    rows = [
        {
            "stratum": f"{stratum.low:.1%} to {stratum.high:.1%}",
            "views": stratum.views,
            "rate": stratum.rate,
            "draws": stratum.draws / total,
        }
        for stratum in found
    ]
    columns = (
        Column("stratum", "Chance to violate, by score"),
        Column("views", "Of all views", "share"),
        Column("rate", "Expected to violate", "share"),
        Column("draws", "Of all draws", "share"),
    )
    note = f"{total:,.0f} draws in all make the {STRATA} strata as precise as the plan."
    caption, least = "Draws by stratum (Neyman)", len(made.loaded.frame)
    return Table("strata", caption, pd.DataFrame(rows), columns, note, rests_on=least)


def precision_figure(made: Plan) -> Figure:
    """What more labels would buy, by design."""
    share, risk = made.loaded.share, made.loaded.risk
    rows = []
    for design in made.designs:
        for part in (0.25, 0.5, 1.0, 2.0, 4.0):
            found = expect(
                share, risk, design.probability, max(1, round(part * made.own.expected.draws))
            )
            rows.append((design.title, found.items, Z * found.error / found.value))
    data = pd.DataFrame(rows, columns=["design", "posts", "half_width"])
    lines = [
        Tradeoff(str(title), own["posts"].tolist(), own["half_width"].tolist())
        for title, own in data.groupby("design", sort=False)
    ]
    own = made.own.expected
    reached = Z * own.error / own.value
    scale = share_scale(own.value, made.low, made.high)
    svg = tradeoffs(
        "precision_by_labels",
        lines,
        across="posts to label",
        up="95% interval: ± share of the estimate",
        show_across=lambda x: f"{x:,.0f}",
        show_up=lambda y: f"±{y:.0%}",
        marked=own.items,
    )
    alt = "; ".join(
        f"{line.label}: ±{line.up[0]:.0%} with {line.across[0]:,.0f} posts, "
        f"±{line.up[-1]:.0%} with {line.across[-1]:,.0f}"
        for line in lines
    )
    return Figure(
        "precision_by_labels",
        f"About {own.items:,.0f} labelled posts give ±{reached:.0%} of the share",
        f"Lines falling with the number of posts to label. {alt}.",
        "Half the expected width of the normal interval, over the share itself. Dotted: the plan, "
        f"whose interval would run from {scale.short(made.low)} to {scale.short(made.high)}, "
        "further up, for what no draw has seen. "
        "Source: posts with views in the window, and the labelled draws of the windows before it.",
        data,
        svg,
    )


def draw(made: Plan) -> Finding:
    """Draws the sample of a local week into files below data/, and says where they are."""
    if not is_round(made.study.window):
        return no_round_finding(made)
    return written_finding(made, write_draws(made))
