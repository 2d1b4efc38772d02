"""What a worker needs, imported and used once before workers are forked.

The fork server of `multiprocessing` does no more for those who use it than import modules. So this
one, unlike any other, works as it is imported; only the fork server does.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import sys

#: jsonschema, which nbformat imports, would read a grammar of international addresses, a second for
#: a format that no notebook's schema has. It does without where the package can't be imported.
UNUSED = "rfc3987_syntax"
NEEDED = ("analysis.runs.execute", "analysis.report.site", "papermill", "papermill.iorw")
TEMPLATES = ("index.html.j2", "failed.html.j2", "no_data.html.j2")
OF_THE_SITE = ("site.html.j2", "by_study.html.j2", "by_market.html.j2", "regions.html.j2")


def rehearse() -> None:
    """Imports what executes and renders, compiles the pages' templates."""
    sys.modules[UNUSED] = None  # type: ignore[assignment]  # how Python is told that it is not there
    for name in NEEDED:
        importlib.import_module(name)
    del sys.modules[UNUSED]

    from analysis.report.exporter import exporter
    from analysis.report.templating import environment
    from analysis.report.words import words

    words("en")
    for name in TEMPLATES:
        exporter().environment.get_template(name)
    for name in OF_THE_SITE:
        environment().get_template(name)
    gc.collect()
    gc.freeze()  # a collection in a worker does not touch, and so copy, what is shared
    atexit.register(gc.unfreeze)  # packages that count what they leave behind find nothing


rehearse()
