"""What a worker and a kernel need, imported and used once before any is forked.

The fork server of `multiprocessing` does no more for those who use it than import modules. So this
one, unlike any other, works as it is imported; only the fork server does.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass

from analysis.runs.forking import TOLD
from analysis.runs.unused import without_unused
from analysis.runs.warm.imported import PACKAGE, Code, preload
from analysis.runs.warm.preload import REHEARSAL, for_studies, listed

NEEDED = (
    *("analysis.report.site", "analysis.runs.execute", "analysis.runs.warm.provisioner"),
    *("ipykernel.kernelspec", "papermill", "papermill.iorw", "pygments.lexers.python"),
)
#: Those of nbconvert come first, which the pages of runs extend and include.
TEMPLATES = (
    *("base/null.j2", "cell_id_anchor.j2", "celltags.j2", "display_priority.j2"),
    *("classic/base.html.j2", "basic/index.html.j2", "parts.html.j2", "changed.html.j2"),
    *("shown.html.j2", "withheld.html.j2", "index.html.j2", "failed.html.j2", "no_data.html.j2"),
)
OF_THE_SITE = ("site.html.j2", "by_study.html.j2", "by_market.html.j2", "regions.html.j2")


@dataclass(frozen=True)
class Begun:
    """What the fork server began with, which a kernel is to have.

    Attributes:
        environment: when it began.
        path: where modules are found, without the folder that it began in.
        code: the project's, as it is imported for some studies; None without any.
    """

    environment: dict[str, str]
    path: list[str]
    code: Code | None


def rehearse() -> Begun:
    """Imports what executes and renders, compiles the pages' templates; then what the studies
    import that runs will be of."""
    # Nearly all that an import makes stays: looking for what does not took a fifth of the time.
    gc.disable()
    told = json.loads(os.environ.pop(TOLD, '{"studies": []}'))
    begun = Begun(
        dict(os.environ),
        [each for each in sys.path if each],
        Code(str(PACKAGE), told["state"]) if told["studies"] else None,
    )
    if begun.code:
        # debugpy's advice as it is imported is for who debugs with it.
        os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
        # First, since matplotlib reads as it is imported where a kernel will show its charts.
        preload(for_studies(told["studies"], listed(), PACKAGE.parents[1]))
    with without_unused():
        for name in NEEDED:
            importlib.import_module(name)
    _render()
    if begun.code:
        begun.code.load([f"analysis.studies.{name}" for name in told["studies"]], REHEARSAL)
    gc.freeze()  # a collection in a worker does not touch, and so copy, what is shared
    gc.enable()
    atexit.register(gc.unfreeze)  # packages that count what they leave behind find nothing
    return begun


def _render() -> None:
    """Compiles what each worker would: pages' templates, the schema of notebooks."""
    import nbformat
    from jinja2 import TemplateNotFound

    from analysis.report.exporter import exporter
    from analysis.report.templating import environment
    from analysis.report.words import words

    words("en")
    nbformat.validate(nbformat.v4.new_notebook())  # type: ignore[no-untyped-call]
    for made, names in ((exporter().environment, TEMPLATES), (environment(), OF_THE_SITE)):
        for name in names:
            with suppress(TemplateNotFound):  # another nbconvert's
                made.get_template(name)


BEGUN = rehearse()
