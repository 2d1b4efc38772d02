"""The command itself, and the options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    name="study",
    help="Trust & Safety studies: one question in one notebook, for every market and window.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Studies = Annotated[list[str] | None, typer.Argument(help="Studies by name; none means all.")]
MarketsOption = Annotated[
    list[str] | None,
    typer.Option("--market", "-m", help="A market's code, a region, or all. Repeatable."),
]
WindowsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--window", "-w", help="2026-W10, 2026-03, 2026-Q1, a day, latest-week. Repeatable."
    ),
]
VariantsOption = Annotated[
    list[str] | None,
    typer.Option("--variant", help="A variant of the study, or base. Repeatable."),
]
ParametersOption = Annotated[
    list[str] | None,
    typer.Option("-p", metavar="NAME=VALUE", help="A parameter of the study. Repeatable."),
]
LocaleOption = Annotated[
    str | None,
    typer.Option(
        help="Of the pages, such as de or es_MX; or market, for the first language of each."
    ),
]
FullOption = Annotated[bool, typer.Option("--all", help="The study's full matrix.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For a program to read.")]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Processes at once; default: the cores.")
]
ClusterOption = Annotated[
    str | None,
    typer.Option("--cluster", metavar="URL", help="A Dask scheduler, tcp://HOST:PORT or tls://."),
]
