"""What a worker needs, imported and used once before any is forked.

The fork server of `multiprocessing` does no more for those who use it than import modules. So this
one, unlike any other, works as it is imported; only the fork server does.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
from contextlib import suppress

from analysis.runs.forking import TOLD
from analysis.runs.unused import without_unused

NEEDED = (
    *("analysis.report.site", "analysis.runs.execute", "analysis.runs.warm.provisioner"),
    *("ipykernel.kernelspec", "papermill", "papermill.iorw", "pygments.lexers.python"),
    *("IPython.lib.lexers", "ipython_pygments_lexers"),
)
#: Those of nbconvert come first, which the pages of runs extend and include.
TEMPLATES = (
    *("base/null.j2", "cell_id_anchor.j2", "celltags.j2", "display_priority.j2"),
    *("classic/base.html.j2", "basic/index.html.j2", "parts.html.j2", "changed.html.j2"),
    *("shown.html.j2", "withheld.html.j2", "index.html.j2", "failed.html.j2", "no_data.html.j2"),
)
OF_THE_SITE = (
    *("site.html.j2", "site_parts.html.j2", "study_part.html.j2", "by_study.html.j2"),
    *("by_market.html.j2", "numbers.html.j2", "findings.html.j2", "regions.html.j2"),
)


def rehearse() -> None:
    """Imports what executes and renders, compiles the pages' templates."""
    # Nearly all that an import makes stays: looking for what does not took a fifth of the time.
    gc.disable()
    with without_unused():
        for name in NEEDED:
            importlib.import_module(name)
    _render()
    gc.freeze()  # a collection in a worker does not touch, and so copy, what is shared
    # Notebooks are large trees without cycles, of which Python would look for some again and again.
    gc.set_threshold(20_000)
    gc.enable()


def _leave(begun: int) -> None:
    """The fork server itself, not what was forked from it, ends at once: to take apart all that it
    has imported would take most of a second, for which whoever reads what the command says waits.
    """
    if os.getpid() == begun:
        os._exit(0)


def _render() -> None:
    """Makes what each worker would: pages' templates, the schema of notebooks, detectors."""
    import nbformat
    from jinja2 import TemplateNotFound

    from analysis.report.exporter import exporter
    from analysis.report.i18n import LANGUAGES, catalogue
    from analysis.report.templating import environment
    from analysis.report.words import words
    from analysis.safeguards.scanning import scan_text

    for language in LANGUAGES:
        words(language)
        catalogue(language)
    scan_text("token: none", "")
    nbformat.validate(nbformat.v4.new_notebook())  # type: ignore[no-untyped-call]
    for made, names in ((exporter().environment, TEMPLATES), (environment(), OF_THE_SITE)):
        for name in names:
            with suppress(TemplateNotFound):  # another nbconvert's
                made.get_template(name)


if os.environ.pop(TOLD, None):
    atexit.register(_leave, os.getpid())
    rehearse()
