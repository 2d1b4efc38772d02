"""The demo's fetcher: made-up sentences that harm nobody, so that `reveal` can be tried."""

from __future__ import annotations

from analysis.safeguards.people.fetching import Content

_POLICIES = ("spam", "fraud", "harassment", "hate_speech", "graphic_content", "child_safety")


class DemoItems:
    """Synthetic items; the last digit of an id says which policy one is about."""

    def policy(self, item: int | str) -> str:
        return _POLICIES[sum(map(ord, str(item))) % len(_POLICIES)]

    def fetch(self, item: int | str) -> Content:
        said = f"This is the made-up text of item {item}. Ask @demo_account, demo@example.org."
        return Content("text", said.encode())


items = DemoItems()
