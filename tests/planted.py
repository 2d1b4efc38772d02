"""Twenty-five kinds of secret, made up as tests begin: none stands in a file of this project."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable

_random = random.Random(7)  # noqa: S311  # made up, not kept
_LETTERS, _HEX = string.ascii_letters + string.digits, "0123456789abcdef"


def _some(length: int, of: str = _LETTERS) -> str:
    return "".join(_random.choice(of) for _ in range(length))


def _jwt() -> str:
    parts = ('{"alg":"HS256"}', '{"sub":"me"}')
    head = ".".join(base64.urlsafe_b64encode(each.encode()).decode().rstrip("=") for each in parts)
    return f"{head}.{_some(43)}"


def _private_key() -> str:
    lines = "\n".join(_some(64) for _ in range(6))
    return f"-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----"


#: The text that is planted, and the part of it that must come back nowhere.
Secret = tuple[str, str]


def _whole(text: str) -> Secret:
    return text, text


def _behind(before: str, value: str, after: str = "") -> Secret:
    return before + value + after, value


#: Held by the environment under a secret-like name, as `ENVIRONMENT` says.
ENVIRONMENT = {
    "WAREHOUSE_PASSWORD": "corr" + "ect horse 'battery",
    "STUDY_WAREHOUSE": "postgresql://me:" + "p%40ss" + "word9@db/prod",
}
KINDS: dict[str, Callable[[], Secret]] = {
    "password in a URL": lambda: _behind("postgresql://me:", _some(12), "@db/prod"),
    "password of the environment": lambda: _whole(ENVIRONMENT["WAREHOUSE_PASSWORD"]),
    "password of the environment's URL": lambda: _behind("tried ", "p@ss" + "word9"),
    "the same in base64": lambda: _whole(
        base64.b64encode(ENVIRONMENT["WAREHOUSE_PASSWORD"].encode()).decode()
    ),
    "assigned password": lambda: _behind("password=", _some(10)),
    "assigned key in JSON": lambda: _behind('{"api_key": "', _some(20), '"}'),
    "bearer token": lambda: _behind("Authorization: Bearer ", _some(30)),
    "basic authorisation": lambda: _behind("Authorization: Basic ", _some(24)),
    "AWS key id": lambda: _whole("AKIA" + _some(16, string.ascii_uppercase + string.digits)),
    "AWS secret key": lambda: _behind("aws_secret_access_key = ", _some(40)),
    "GitHub token": lambda: _whole("ghp_" + _some(36)),
    "GitLab token": lambda: _whole("glpat-" + _some(20)),
    "Slack token": lambda: _whole("xoxb-" + _some(12, string.digits) + "-" + _some(24)),
    "Slack hook": lambda: _whole(
        "https://hooks.slack.com/services/T" + _some(8) + "/B" + _some(30)
    ),
    "Stripe key": lambda: _whole("sk_live_" + _some(24)),
    "SendGrid key": lambda: _whole(f"SG.{_some(22)}.{_some(43)}"),
    "Twilio key": lambda: _whole("SK" + _some(32, _HEX)),
    "npm token": lambda: _whole("npm_" + _some(36)),
    "PyPI token": lambda: _whole("pypi-" + "AgEIcHlwaS5vcmc" + _some(60)),
    "Google key": lambda: _whole("AIza" + _some(35)),
    "model provider's key": lambda: _whole("sk-proj-" + _some(40)),
    "Azure storage key": lambda: _behind("AccountKey=", _some(86) + "==", ";EndpointSuffix=x"),
    "JSON web token": lambda: _whole(_jwt()),
    "private key": lambda: _whole(_private_key()),
    "Telegram bot token": lambda: _whole(_some(9, "123456789") + ":" + _some(35)),
}
