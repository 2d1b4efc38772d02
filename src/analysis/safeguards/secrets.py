"""Nothing secret leaves in a message, a record or an executed notebook."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

SECRET_NAME = re.compile(
    r"(?i)(secret|token|passw|pwd|api_?key|access_?key|credential|private_?key)"
)
_URL_PASSWORD = re.compile(r"(?P<kind>[a-z][a-z0-9+.-]*://[^\s:/@]*):(?P<password>[^\s@/]+)@")
HIDDEN = "[redacted]"


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """A text without the passwords of URLs and without the values of secret-named variables.

    >>> redact("can't reach postgresql://me:hunter2@db/prod", {})
    "can't reach postgresql://me:[redacted]@db/prod"
    >>> redact("sent s3cr3t-value", {"API_TOKEN": "s3cr3t-value"})
    'sent [redacted]'
    """
    held = os.environ if environment is None else environment
    for name, value in held.items():
        if SECRET_NAME.search(name) and len(value) >= 6:
            text = text.replace(value, HIDDEN)
    return _URL_PASSWORD.sub(rf"\g<kind>:{HIDDEN}@", text)
