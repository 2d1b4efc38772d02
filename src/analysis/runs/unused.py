"""What packages would import, or do, for none of our purposes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

#: jsonschema, which nbformat imports, would read grammars of addresses, a second for formats that
#: no notebook's schema has, and bs4, for which nbconvert asks, one of selectors that nobody writes.
#: They do without where a package can't be imported.
UNUSED = ("rfc3987_syntax", "rfc3986_validator", "soupsieve")


@contextmanager
def without_unused() -> Iterator[None]:
    """What is imported within goes without what is not used; it can be imported afterwards."""
    absent = [name for name in UNUSED if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # how Python is told that there is none
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The soupsieve package is not installed")
            yield
    finally:
        for name in absent:
            del sys.modules[name]
