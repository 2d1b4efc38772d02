"""Known breaks: what every chart of numbers over time marks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Break:
    """A known break: the day from which something was different, and what."""

    day: date
    what: str
