"""What packages would import, or do, for none of our purposes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: jsonschema, which nbformat imports, would read a grammar of international addresses, a second for
#: a format that no notebook's schema has. It does without where the package can't be imported.
UNUSED = "rfc3987_syntax"


@contextmanager
def without_unused() -> Iterator[None]:
    """What is imported within goes without what is not used; it can be imported afterwards."""
    if UNUSED in sys.modules:
        yield
        return
    sys.modules[UNUSED] = None  # type: ignore[assignment]  # how Python is told that it is not there
    try:
        yield
    finally:
        del sys.modules[UNUSED]
