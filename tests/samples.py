"""A small executed notebook and the record of its run, as the runner would leave them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbformat import NotebookNode
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

from analysis.figures.displays import Column, Figure, Table
from analysis.figures.palette import BLUE
from analysis.figures.style import band, canvas, to_svg
from analysis.report.page import data_files, render
from analysis.report.record import DATA, NOTEBOOK, PAGE, RECORD, RunRecord
from analysis.studies.findings import Comparison, Finding

DAYS = [f"2026-03-0{day}" for day in range(2, 9)]
RATES = [0.0016, 0.0017, 0.0018, 0.0017, 0.0019, 0.0018, 0.0017]


def finding(name: str = "violative_view_rate", **changes: Any) -> Finding:
    """A finding that moved, and is a headline; `changes` go over it."""
    comparison = Comparison(
        label="2026-W09",
        value=0.0014,
        difference=0.0003,
        low=0.0001,
        high=0.0005,
        verdict=changes.get("verdict", "up"),
        text="0.03 points above 2026-W09, between 0.01 and 0.05",
    )
    values: dict[str, Any] = {
        "name": name,
        "title": "Violative view rate",
        "text": "17 of 10,000 views were of violative content; between 15 and 19.",
        "value": 0.0017,
        "low": 0.0015,
        "high": 0.0019,
        "unit": "share",
        "sample": "1,204 labelled draws",
        "comparisons": (comparison,),
        "verdict": "up",
        "meaning": "worse",
        "headline": True,
        "notes": ("Views of content in review are left out.",),
    }
    return Finding(**values | changes)


def calm(name: str = "overturn_rate") -> Finding:
    """A finding within its uncertainty."""
    comparison = Comparison(
        label="2026-W09",
        value=0.12,
        difference=0.01,
        low=-0.02,
        high=0.04,
        verdict="no_change",
        text="no clear change from 2026-W09 (12.0%)",
    )
    return finding(
        name,
        title="Overturn rate",
        text="13.0% of appealed decisions were overturned; between 10.4% and 15.9%.",
        value=0.13,
        low=0.104,
        high=0.159,
        sample="612 resolved appeals",
        comparisons=(comparison,),
        verdict="no_change",
        meaning="neutral",
        notes=(),
    )


@cache
def picture() -> str:
    with canvas("chart") as drawn:
        axes = drawn.subplots()
        axes.plot(range(7), RATES, color=BLUE.light, marker="o", label="Japan")
        band(axes, range(7), [r - 2e-4 for r in RATES], [r + 2e-4 for r in RATES])
        axes.set_xticks(range(7), DAYS)
        axes.set_ylabel("share of views")
        return to_svg(drawn)


def figure(name: str = "violative_view_rate", **changes: Any) -> Figure:
    """A chart of a week with its interval as a band."""
    data = pd.DataFrame({"day": DAYS, "rate": RATES, "source": ["=cmd()", *["sample"] * 6]})
    values: dict[str, Any] = {
        "name": name,
        "title": "Violative views stayed near 17 of 10,000",
        "alt": "A line from 0.16% on 2 March to 0.17% on 8 March, highest at 0.19% on 6 March.",
        "caption": "Labelled draws from the impression stream; the band is the 95% interval.",
        "data": data,
        "svg": picture(),
    }
    return Figure(**values | changes)


def table(name: str = "by_policy", **changes: Any) -> Table:
    """A table of text, counts and shares; one value is missing."""
    frame = pd.DataFrame(
        {
            "policy": ["Spam and fake engagement", "Hate speech", "-harassment"],
            "decisions": [120_345, 8_021, 11],
            "proactive": [0.973, 0.81, None],
        }
    )
    columns = (
        Column("policy", "Policy"),
        Column("decisions", "Decisions", "count"),
        Column("proactive", "Proactive removals (%)", "share"),
    )
    values: dict[str, Any] = {
        "name": name,
        "caption": "Removals by policy",
        "frame": frame,
        "columns": columns,
        "note": "Policies with fewer than 11 decisions are left out.",
    }
    return Table(**values | changes)


def show(*shown: Any) -> list[NotebookNode]:
    """The outputs of a cell that displays these objects."""
    return [new_output("display_data", data=each._repr_mimebundle_()) for each in shown]


def notebook(*cells: NotebookNode) -> NotebookNode:
    """An executed notebook of these cells, or a typical one without any."""
    return new_notebook(cells=list(cells) or typical())


def code(source: str, *outputs: NotebookNode, tags: Sequence[str] = ()) -> NotebookNode:
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def typical() -> list[NotebookNode]:
    """What a study's notebook holds: prose, parameters, findings, a figure, a table, text."""
    returned = {"text/plain": "Core metrics: Japan, 2026-W10"}
    return [
        new_markdown_cell("# Core metrics\n\nHow safe was this market, and what moved?"),
        code('market = "JP"\nwindow = "2026-W10"', tags=("parameters",)),
        code('market = "JP"  # Parameters', tags=("injected-parameters",)),
        code(
            'study = open_study("core_metrics", market=market, window=window)\nstudy',
            new_output("execute_result", data=returned),
        ),
        new_markdown_cell("## What was found\n\nEach number has its *interval*."),
        code("findings", *show(finding(), calm())),
        new_markdown_cell("## How it moved\n\n### Day by day\n\nThe band is the interval."),
        code("figure", *show(figure())),
        new_markdown_cell("### By policy\n\n| a | b |\n|---|--:|\n| x | 1 |\n"),
        code("table", *show(table())),
        code(
            "print('x')", new_output("stream", name="stdout", text="\x1b[31m7 days read\x1b[0m\n")
        ),
    ]


def record(**changes: Any) -> RunRecord:
    """The record of the typical notebook's run."""
    values: dict[str, Any] = {
        "study": "core_metrics",
        "market": "JP",
        "window": "2026-W10",
        "status": "done",
        "title": "Core safety metrics",
        "question": "How safe was this market in this window, and what moved?",
        "decision": "Whether this market needs attention this week.",
        "owner": "Safety measurement",
        "market_name": "Japan",
        "zone": "Asia/Tokyo",
        "start": date(2026, 3, 2),
        "end": date(2026, 3, 9),
        "start_utc": datetime(2026, 3, 1, 15, tzinfo=UTC),
        "end_utc": datetime(2026, 3, 8, 15, tzinfo=UTC),
        "parameters": {"market": "JP", "window": "2026-W10", "confidence": 0.95},
        "key": "0f1e2d3c4b5a6978",
        "key_parts": {"notebook": "aa", "data": "bb"},
        "data_until": date(2026, 3, 9),
        "started_at": datetime(2026, 3, 9, 4, 5, tzinfo=UTC),
        "seconds": 6.25,
        "revision": "7a838b1",
        "versions": {"python": "3.11.7", "pandas": "3.1.1"},
        "seed": 20260302,
        "findings": (finding(), calm()),
    }
    return RunRecord(**values | changes)


#: What data may hold when somebody means harm, or merely when people name things.
HOSTILE = (
    "<script>pwned=1</script>",
    "</script><script>pwned=1</script>",
    "<img src=x onerror=pwned=1>",
    '"><img src=x onerror=pwned=1>',
    "'><svg onload=pwned=1>",
    "<svg><script href=data:,pwned=1 /></svg>",
    "<svg><animate onbegin=pwned=1 attributeName=x dur=1s>",
    "<math><mtext></p><img src=x onerror=pwned=1>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<iframe src=javascript:parent.pwned=1>",
    "<object data='data:text/html,<script>pwned=1</script>'>",
    "<embed src=//evil.example/x>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{display:none}</style>",
    "</style><script>pwned=1</script>",
    "</title><script>pwned=1</script>",
    "</textarea><script>pwned=1</script>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><button>go</button></form>",
    "<input autofocus onfocus=pwned=1>",
    "<details open ontoggle=pwned=1>",
    "<body onload=pwned=1>",
    "<a href=javascript:pwned=1>x</a>",
    "<a href='java\tscript:pwned=1'>x</a>",
    "<!--><script>pwned=1</script>-->",
    "<![CDATA[<script>pwned=1</script>]]>",
    "{{ 7*7 }}{{ cycler.__init__.__globals__ }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
    "{# comment #}${7*7}#{7*7}<%= 7*7 %>",
    "&lt;script&gt;pwned=1&lt;/script&gt;",
    "&#60;script&#62;pwned=1&#60;/script&#62;",
    "\u202egnp.exe \u2066isolate",
    "\x00\x08null",
    '=HYPERLINK("//evil.example","x")',
    "' onmouseover='pwned=1",
    '" autofocus onfocus="pwned=1',
    "`onmouseover=pwned=1`",
    "javascript:pwned=1",
    "日本 العربية עברית 🏴‍☠️ Ünïcode",
)

#: Elements and the handlers that have run scripts from them, in a form that needs no click.
_HANDLERS = (
    "audio src=x onerror",
    "video src=x onerror",
    "video onloadstart",
    "body onpageshow",
    "body onhashchange",
    "body onresize",
    "body onscroll",
    "button autofocus onfocus",
    "a href=# onclick",
    "div onmouseover",
    "div onpointerenter",
    "div onwheel",
    "div oncopy",
    "div ondrag",
    "div contenteditable autofocus onfocus",
    "div tabindex=0 onfocusin",
    "style onload",
    "link rel=stylesheet href=x onerror",
    "marquee onstart",
    "marquee onfinish",
    "select autofocus onfocus",
    "textarea autofocus onfocus",
    "keygen autofocus onfocus",
    "object data=x onerror",
    "embed src=x onload",
    "iframe onload",
    "frameset onload",
    "img src=x onload",
    "img srcset=x onerror",
    "picture><source srcset=x><img onerror",
    "input type=image src=x onerror",
    "track onerror",
    "svg onload",
    "svg><g onload",
    "svg><set onbegin",
    "svg><animateTransform onbegin",
    "svg><image href=x onerror",
    "math onmouseover",
    "p onanimationstart",
    "p ontransitionend",
    "dialog open onclose",
    "details open ontoggle",
    "div popover onbeforetoggle",
    "custom-element onfocus",
)
_SCHEMES = (
    "javascript:",
    "JaVaScRiPt:",
    " javascript:",
    "java\nscript:",
    "java\rscript:",
    "\x01javascript:",
    "&#106;avascript:",
    "&#x6A;avascript:",
    "javascript&colon;",
    "vbscript:",
    "livescript:",
    "data:text/html,",
    "data:text/html;base64,",
    "view-source:javascript:",
    "feed:javascript:",
    "blob:javascript:",
    "//evil.example/",
    "\\\\evil.example\\",
    "https:evil.example/",
    "file:///",
)
_FOREIGN = (
    "<svg><a xlink:href='javascript:pwned=1'><text>x</text></a></svg>",
    "<svg><foreignObject><script>pwned=1</script></foreignObject></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=pwned=1>#x'/></svg>",
    "<svg><style>@import '//evil.example/x.css'</style></svg>",
    "<svg><script>pwned=1</script></svg>",
    "<svg/onload=pwned=1>",
    "<svg><title><img onerror=pwned=1>",
    "<svg><desc></desc><script>pwned=1</script>",
    "<svg><![CDATA[><img src=x onerror=pwned=1>]]>",
    "</svg><script>pwned=1</script>",
    "</desc></svg><img src=x onerror=pwned=1>",
    "<math href='javascript:pwned=1'>x</math>",
    "<math><maction actiontype='statusline'>x</maction>",
    "<math><annotation-xml encoding='text/html'><img src=x onerror=pwned=1>",
    "<math><mi//xlink:href='data:x,pwned=1'>",
    "</math><script>pwned=1</script>",
    "<math><mglyph><style><img src=x onerror=pwned=1>",
    "<template><script>pwned=1</script>",
    "<noscript><p title='</noscript><script>pwned=1</script>'>",
    "<xmp><script>pwned=1</script>",
    "<plaintext><script>pwned=1",
    "<table><script>pwned=1</script>",
    "<portal src=//evil.example>",
    "<fencedframe src=//evil.example>",
    "</pre></code><script>pwned=1</script>",
    "</bdi></h1><script>pwned=1</script>",
    "</main></body></html><script>pwned=1</script>",
    "--><script>pwned=1</script><!--",
    "<!--/neighbours--><script>pwned=1</script>",
    "<!--neighbours-->x<!--/neighbours-->",
    "<!--verified-->pwned<!--/verified-->",
)
_TEMPLATES = (
    "{{ page.run }}",
    "{% raw %}",
    "{%- endmacro -%}",
    "{{ self.__init__.__globals__ }}",
    "%(num)s",
    "%s%n%x",
    "{0.__class__}",
    "${pwned=1}",
    "#{pwned=1}",
    "<%= pwned=1 %>",
    "@{pwned=1}",
    "[[pwned]]",
    "{{constructor.constructor('pwned=1')()}}",
    "$(pwned)",
    "`pwned`",
    "%%(x)s",
    "\\N{BULLET}",
    '";}*{display:none}@page{content:"',
    "\\22 ;}body{display:none}",
    "*/body{display:none}/*",
    "expression(pwned=1)",
    "url(//evil.example/x)",
    "@import '//evil.example/x.css';",
)
_MARKS = (
    "\u202a",
    "\u202b",
    "\u202d",
    "\u2067",
    "\u2068",
    "\u2069",
    "\u200f",
    "\u200e",
    "\u061c",
    "\ufeff",
)
_FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\u202e=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "=cmd|' /C calc'!A0",
    '=WEBSERVICE("//evil.example")',
    '=IMPORTXML("//evil.example","//a")',
    "-2+3+cmd|' /C calc'!A0",
    '=DDE("cmd";"/C calc";"x")',
    "%0A=1+1",
    '"=1+1',
    "'=1+1",
    ";=1+1",
)
#: The corpus: everything above in every form, each once.
HOSTILE = tuple(
    dict.fromkeys(
        (
            *HOSTILE,
            *(f"<{each}=pwned=1>" for each in _HANDLERS),
            *(f"<a href='{each}pwned=1'>x</a>" for each in _SCHEMES),
            *_FOREIGN,
            *_TEMPLATES,
            *(f"{mark}name" for mark in _MARKS),
            *_FORMULAS,
        )
    )
)


def planted(hostile: str) -> tuple[NotebookNode, RunRecord]:
    """A typical run with a hostile string in every place that data can reach, prose aside."""
    found = finding(
        title=hostile,
        text=hostile,
        sample=hostile,
        notes=(hostile,),
        comparisons=(finding().comparisons[0].model_copy(update={"text": hostile}),),
    )
    words = {"title": hostile, "alt": hostile, "caption": hostile}
    frame = pd.DataFrame({"policy": [hostile], "decisions": [hostile]})
    columns = (Column("policy", hostile), Column("decisions", hostile, "count"))
    cells = [
        code(f"# {hostile}", *show(found, figure(hostile, **words))),
        code(
            "pass",
            *show(table(hostile, caption=hostile, note=hostile, frame=frame, columns=columns)),
        ),
        code("pass", new_output("stream", name="stdout", text=hostile)),
        code("pass", new_output("error", ename=hostile, evalue=hostile, traceback=[hostile])),
        code("pass", new_output("display_data", data={hostile: hostile, "text/html": hostile})),
    ]
    kept = record(
        title=hostile,
        question=hostile,
        decision=hostile,
        owner=hostile,
        market_name=hostile,
        reason=hostile,
        revision=hostile,
        parameters={hostile: hostile},
        key_parts={hostile: hostile},
        versions={hostile: hostile},
        findings=(found,),
    )
    return notebook(*cells), kept


def put(reports: Path, kept: RunRecord, shown: NotebookNode) -> RunRecord:
    """A run's folder in a site, as the runner leaves it."""
    folder = reports / kept.identity
    (folder / DATA).mkdir(parents=True)
    for name, text in data_files(shown).items():
        (folder / DATA / name).write_text(text, encoding="utf-8")
    page = render(shown, kept, site_title="Safety Studies", locale=kept.locale)
    (folder / PAGE).write_text(page, encoding="utf-8")
    (folder / NOTEBOOK).write_text(nbformat.writes(shown), encoding="utf-8")
    (folder / RECORD).write_text(kept.model_dump_json(), encoding="utf-8")
    return kept


def put_hostile(reports: Path) -> list[RunRecord]:
    """A site of two runs for each hostile string, which is in every place that data can reach."""
    week = {"window": "2026-W09", "start": date(2026, 2, 23), "end": date(2026, 3, 2)}
    made = []
    for at, text in enumerate(HOSTILE):
        words = {"title": text, "question": text, "owner": text, "market_name": text}
        other = finding().comparisons[0].model_copy(update={"label": text})
        found = finding(title=text, text=text, sample=text, comparisons=(other,), notes=(text,))
        plain = {"market": f"M{at}", **words, "parameters": {"policy": text}, "findings": (found,)}
        for kept in (
            record(**plain, doubts=(text,)),
            record(**plain | week | {"status": "failed", "reason": text}),
        ):
            put(reports, kept, notebook(code("pass")))
            made.append(kept)
    return made
