"""Which runs a person or a study's matrix asks for, each checked before anything starts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from analysis.calendar import Market, Window
from analysis.errors import UserError, unknown
from analysis.matrix import BASE, Exclusion, LastWindows, Matrix
from analysis.project import Literals, Project, StudySpec
from analysis.report.record import identify
from analysis.runs.held import Held
from analysis.studies.base import check_parameters


@dataclass(frozen=True)
class Run:
    """One study for one market and one window with one set of parameters.

    Attributes:
        parameters: what differs from the study's defaults; `complete` gives them all.
    """

    study: str
    spec: StudySpec
    market: Market
    window: Window
    parameters: dict[str, Literals] = field(hash=False)
    variant: str | None = None

    @property
    def identity(self) -> str:
        return identify(self.study, self.market.code, self.window.label, self.variant)

    def folder(self, project: Project) -> Path:
        """Where its record lies; always inside the site, whatever the parameters say."""
        folder = project.reports / self.identity
        if not folder.resolve().is_relative_to(project.reports) or ".." in folder.parts:
            raise UserError("run", f"{self.identity!r} does not lie inside the site")
        return folder


@dataclass(frozen=True)
class Choice:
    """What a person asked for: studies, markets, windows, parameters; empty means the default."""

    studies: Sequence[str] = ()
    markets: Sequence[str] = ()
    windows: Sequence[str] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    full: bool = False
    variants: Sequence[str] = ()


def choose(project: Project, choice: Choice, held: Held | None = None) -> list[Run]:
    """The runs that were asked for, each checked in full before anything starts.

    Args:
        project: whose studies they are of.
        choice: what was asked for.
        held: what is known of the warehouse already.

    Raises:
        UserError: a study, market, window or parameter that is not there; names the nearest.
    """
    names = choice.studies or project.study_names
    specs = {name: project.study(name) for name in names}
    if choice.parameters and not choice.studies:
        raise UserError(
            "-p", "parameters belong to a study; name it: study run STUDY -p name=value"
        )
    if choice.variants and not choice.studies:
        raise UserError("--variant", "variants belong to a study; name it")
    held = held or Held(project)
    runs = [run for name, spec in specs.items() for run in Asked(held, name, spec, choice).runs()]
    return list({run.identity: run for run in runs}.values())


@dataclass(frozen=True)
class Asked:
    """One study of a choice: what a person names goes before what its matrix says."""

    held: Held
    name: str
    spec: StudySpec
    choice: Choice

    @cached_property
    def matrix(self) -> Matrix:
        full = self.choice.full and self.spec.full
        return full if full else self.spec.matrix

    @cached_property
    def given(self) -> dict[str, str]:
        """The parameters that a person gave, but for market and window."""
        return {k: v for k, v in self.choice.parameters.items() if k not in ("market", "window")}

    def named(self, part: str) -> Sequence[str]:
        """The markets, windows or variants that a person named, as options or as parameters."""
        one = self.choice.parameters.get(part.removesuffix("s"))
        found: Sequence[str] = [one] if one is not None else getattr(self.choice, part)
        return found

    def runs(self) -> Iterator[Run]:
        variants = self.named("variants") or self.matrix.variants
        windows: Sequence[str | LastWindows] = self.named("windows") or self.matrix.window_list
        codes = self.codes(self.named("markets") or self.matrix.market_list)
        if self.given:
            fixed = {**self.spec.parameters, "market": "", "window": ""}
            check_parameters(self.name, {**fixed, **self.given})
        for code in codes:
            market = self.held.project.study_market(self.spec, code)
            for asked in windows:
                for window in self.held.windows(self.spec, market, asked):
                    yield from self.within(market, window, variants)

    def within(self, market: Market, window: Window, variants: Iterable[str]) -> Iterator[Run]:
        """The runs of one market and window."""
        for name in variants:
            if any(self.excludes(rule, market.code, window, name) for rule in self.matrix.exclude):
                continue
            place: dict[str, Literals] = {"market": market.code, "window": window.label}
            values = {**self.spec.parameters, **self.variant(name), **self.given, **place}
            parts = [name] if name != BASE else []
            label = "_".join([*parts, *filter(None, [variant(self.given)])]) or None
            yield Run(self.name, self.spec, market, window, values, label)

    def variant(self, name: str) -> Mapping[str, Literals]:
        if name != BASE and name not in self.spec.variants:
            raise unknown("variant", name, [BASE, *self.spec.variants])
        return self.spec.variants.get(name, {})

    def excludes(self, rule: Exclusion, code: str, window: Window, name: str) -> bool:
        """Whether a rule leaves a run out; it never leaves out what a person named."""
        if rule.markets and (self.named("markets") or code not in self.codes(rule.markets)):
            return False
        if rule.variants and (self.named("variants") or name not in rule.variants):
            return False
        spans = [Window.parse(text) for text in rule.windows]
        inside = any(span.start <= window.start and window.end <= span.end for span in spans)
        return not rule.windows or (inside and not self.named("windows"))

    def codes(self, asked: Iterable[str]) -> list[str]:
        """Market codes, regions and `all` as market codes.

        Raises:
            UserError: there is no such market or region; names the nearest.
        """
        return list(dict.fromkeys(code for name in asked for code in self._codes(name)))

    def _codes(self, name: str) -> Sequence[str]:
        project = self.held.project
        if name == "all":
            return self._all
        if name in project.markets:
            return [name]
        if self.spec.scope == "territories" and name not in project.regions:
            return [project.study_market(self.spec, name).code]
        if name not in project.regions:
            raise unknown("market", name, [*project.markets, *project.regions, "all"])
        return project.regions[name]

    @cached_property
    def _all(self) -> Sequence[str]:
        """The operated markets; for a study of territories those that have data."""
        if self.spec.scope == "operated":
            return list(self.held.project.markets)
        default = [code for code in self.spec.matrix.market_list if code != "all"]
        return self.held.markets(self.spec.clock) or default


def variant(given: Mapping[str, str]) -> str | None:
    """The name of a set of parameters that a person gave: its runs have folders of their own.

    >>> variant({"confidence": "0.9"})
    'confidence-0.9'
    """
    if not given:
        return None
    text = "_".join(f"{name}-{value}" for name, value in sorted(given.items()))
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")
    if slug == text and len(slug) <= 60 and ".." not in slug:
        return slug
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{slug.replace('..', '.')[:40]}-{digest}"
