"""One module per study; `open_study` is how a notebook begins."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.studies.base import Study, StudyParameters, open_study
    from analysis.studies.findings import Comparison, Finding

__all__ = ["Comparison", "Finding", "Study", "StudyParameters", "open_study"]


def __getattr__(name: str) -> Any:
    """Imports a name when it is asked for (PEP 562): pages are made of findings alone, without the
    warehouse and the packages that a study needs."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    of = "findings" if name in ("Comparison", "Finding") else "base"
    return getattr(import_module(f"{__name__}.{of}"), name)
