"""Every figure of every study has what a reader needs, in the runs of the default matrix."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from analysis.figures.displays import Figure
from analysis.figures.shapes import FIGURE
from analysis.figures.style import SVG
from analysis.project import ROOT_VARIABLE
from analysis.report.cells import blocks
from analysis.report.regions import read_notebook
from analysis.sources.published import acquire_published
from analysis.studies import enforcement_benchmark as benchmark
from analysis.studies import open_study
from support import Checkout, copy_project

pytestmark = pytest.mark.xdist_group("site")

#: A title states something: it has one of these, or a number, or says after a colon what it found.
VERBS = re.compile(r"\b(is|are|lies?|give|differs?|errs?|has|have)\b|\d|: \w")
#: How a number on an axis may end without a title that says its unit.
SIGNED = re.compile(r"[%°]$| (min|h|days?|weeks?)$")
NUMBER = re.compile(r"^[±+−-]?[\d,]*\.?\d+$")
YEAR = re.compile(r"^(19|20)\d\d$")
#: What a page may be without its figures, and with them, in bytes.
BARE, WHOLE = 150_000, 400_000


class Shown(NamedTuple):
    """A figure of a run's notebook, and its run's folder."""

    folder: Path
    words: dict[str, object]
    svg: str

    @property
    def said(self) -> str:
        return f"{self.folder.parts[-3:]} {self.words['name']}"

    def text(self, part: str) -> str:
        return str(self.words[part])

    @property
    def rows(self) -> list[list[object]]:
        found: list[list[object]] = self.words["data"]["rows"]  # type: ignore[index]  # JSON
        return found


def figures(site: Checkout) -> Iterator[Shown]:
    for record in sorted(site.project.reports.glob("*/*/*/run.json")):
        for cell in json.loads((record.parent / "notebook.ipynb").read_text())["cells"]:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                if FIGURE in data:
                    yield Shown(record.parent, data[FIGURE], "".join(data["image/svg+xml"]))


def drawn_for(market: str) -> Iterator[Shown]:
    """The benchmark's figures; the checkout of the other runs has no published files."""
    study = open_study("enforcement_benchmark", market=market)
    found = benchmark.estimate(study, benchmark.load(study))
    for each in (*benchmark.standing(study, found), *benchmark.drivers(study, found)):
        if isinstance(each, Figure):
            bundle = each._repr_mimebundle_()
            yield Shown(Path("enforcement_benchmark", market, "x"), bundle[FIGURE], each.svg)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Iterator[list[Shown]]:
    project = copy_project(tmp_path_factory.mktemp("published"))
    acquire_published(project, real_data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ROOT_VARIABLE, str(project.root))
        patch.delenv("STUDY_WAREHOUSE", raising=False)
        yield [each for market in ("JP", "BR") for each in drawn_for(market)]


@pytest.fixture(scope="module")
def run(site: Checkout) -> list[Shown]:
    found = list(figures(site))
    studies = {each.folder.parts[-3] for each in found}
    assert studies == {"core_metrics", "prevalence", "prevalence_design", "moderation_quality"}
    return found


@pytest.fixture(scope="module")
def shown(run: list[Shown], published: list[Shown]) -> list[Shown]:
    assert {each.words["name"] for each in published} == {"standing", "gap_by_category"}
    return [*run, *published]


def test_titles_state_what_is_shown(shown: list[Shown]) -> None:
    for each in shown:
        assert len(each.text("title").split()) >= 4, each.said
        assert VERBS.search(each.text("title")), each.said


def test_alternative_texts_are_made_from_the_numbers(shown: list[Shown]) -> None:
    """Their numbers, but those of names and of the interval's level, have their like in the data,
    in some unit; a sum or a rank has not."""
    for each in shown:
        alt = each.text("alt")
        assert not re.match(r"(?i)(a |an |the )?(chart|image|graph|picture)\b", alt), each.said
        values = [abs(v) for row in each.rows for v in row if isinstance(v, int | float)]
        bare = re.sub(r"\(\d+% interval|[A-Z][^:.;]*:", "", alt)
        told = re.findall(
            r"(?<![\w-])(\d[\d,]*\.\d+|\d[\d,]*)"
            r"(?=%| (?:points|hours|days|items|reports)|[;,] |\))",
            bare,
        )
        numbers = [float(number.replace(",", "")) for number in told]
        assert numbers or "too few to show" in alt or "no value" in alt, each.said
        near = [
            any(abs(n - v * scale) <= 0.051 * max(n, 1) for v in values for scale in (1, 100, 60))
            for n in numbers
        ]
        assert sum(near) >= 0.6 * len(near), (each.said, numbers)


def test_captions_name_their_source(shown: list[Shown]) -> None:
    for each in shown:
        assert re.search(r"\bSource: \w", each.text("caption")), each.said


def test_numbers_on_axes_have_a_unit(shown: list[Shown]) -> None:
    """In their own signs, or in words beside: an axis' title, or a panel's in parentheses."""
    for each in shown:
        texts = [n.text or "" for n in ET.fromstring(each.svg).iter(f"{{{SVG}}}text")]  # noqa: S314  # our own
        if each.folder.parts[-3] == "core_metrics":
            bare = list(panels_without_unit(texts))
            assert not bare, (each.said, bare)
            continue
        bare = [t for t in texts if NUMBER.match(t) and not YEAR.match(t)]
        beside = [t for t in texts if len(t.split()) >= 2 and not SIGNED.search(t)]
        assert not bare or any(re.search(r"points|posts|labels|items", t) for t in beside), (
            each.said
        )


def panels_without_unit(texts: list[str]) -> Iterator[str]:
    """Titles of small multiples that are followed by numbers whose unit nothing says."""
    for title, after in pairwise(texts):
        is_title = not NUMBER.match(title) and not re.search(r"%$|-W\d\d$|^too few", title)
        if is_title and NUMBER.match(after) and not re.search(r"\(.+\)$| per ", title):
            yield title


def test_the_data_lie_beside_the_page(run: list[Shown]) -> None:
    for each in run:
        with (each.folder / "data" / f"{each.words['name']}.csv").open(encoding="utf-8") as file:
            head, *rows = csv.reader(file)
        assert len(rows) == len(each.rows) > 0, each.said
        assert head == each.words["data"]["columns"], each.said  # type: ignore[index]  # JSON


def test_pages_are_small(site: Checkout) -> None:
    """At most 150 KB without the figures, and 400 KB with them."""
    for page in site.project.reports.glob("*/*/*/report.html"):
        html = page.read_text(encoding="utf-8")
        drawn = sum(len(svg.encode()) for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL))
        assert len(html.encode()) - drawn <= BARE, page
        assert page.stat().st_size <= WHOLE, page


def test_every_figure_is_on_its_page(run: list[Shown]) -> None:
    for folder in {each.folder for each in run}:
        notebook = read_notebook(folder)
        assert notebook is not None
        kinds = [block.kind for cell in blocks(notebook) for block in cell]
        html = (folder / "report.html").read_text(encoding="utf-8")
        own = [each for each in run if each.folder == folder]
        assert kinds.count("figure") == html.count("<figure ") == len(own)
        assert html.count('role="img"') == len(re.findall(r"<title", html)) - 1 == len(own)
