"""One module per study; `open_study` is how a notebook begins."""

from analysis.studies.base import Study, StudyParameters, open_study
from analysis.studies.findings import Comparison, Finding

__all__ = ["Comparison", "Finding", "Study", "StudyParameters", "open_study"]
