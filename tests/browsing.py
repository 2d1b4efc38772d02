"""A tab of a browser that keeps what its page asked for and complained about."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

#: What a page tells of itself: refused by its policy, or run though it should not.
WATCH = """
window.refused = [];
document.addEventListener('securitypolicyviolation', e => window.refused.push(
    `${e.effectiveDirective} ${e.blockedURI} ${e.sample}`));
"""


@dataclass
class Tab:
    """A page in the browser with all that it asked for and complained about."""

    context: BrowserContext
    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: Path) -> Page:
        self.asked.clear()
        self.page.goto(path.as_uri())
        return self.page

    @property
    def refused(self) -> list[str]:
        found: list[str] = self.page.evaluate("window.refused")
        return found

    def look(self, *, width: int = 1280, scheme: str = "light") -> None:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
