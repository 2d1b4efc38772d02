"""`reveal`: one item, to one person, who asked for it and was told before what it is about."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from traceback import clear_frames
from typing import Any, TypeVar

from analysis.errors import UserError, unknown
from analysis.project import Policy, Project
from analysis.safeguards.people.exposure import Seen, note
from analysis.safeguards.people.fetching import Fetcher, fetcher_of
from analysis.safeguards.people.once import Once
from analysis.safeguards.people.page import page_of

#: What has to be typed, so that nobody sees an item by pressing a key too often.
YES = "show"
Got = TypeVar("Got")


@dataclass(frozen=True)
class Placeholder:
    """What stands in the place of an item: in saved outputs, runs and pages.

    Attributes:
        why: why it is not shown, a sentence.
    """

    why: str

    def __repr__(self) -> str:
        return f"[one item, not shown: {self.why}]"


def reveal(item: int | str, *, purpose: str, unmask: bool = False) -> Placeholder:
    """Shows one item in an interactive notebook, after its policy and severity were named.

    Args:
        item: its id; one item an act.
        purpose: what it must be seen for, in words.
        unmask: shows slurs and handles of a text, which stay masked otherwise.

    Returns:
        The placeholder, which is all that the notebook keeps.

    Raises:
        UserError: more than one item, no purpose, a policy that may never be shown, no fetcher.
    """
    # A subclass could be one item when its policy is asked for and another when it is fetched.
    if type(item) not in (int, str):
        raise UserError("reveal", f"takes one item's id, not {type(item).__name__}; ask one by one")
    if len(str(purpose).split()) < 2:
        raise UserError("reveal: purpose", "say in a few words what the item must be seen for")
    project = Project.find()
    source = fetcher_of(project)
    policy = _shown_policy(project, _fetched(source.policy, item))
    if not _is_interactive():
        return Placeholder("items are shown only to a person in an interactive notebook")
    if not _agreed(policy):
        return Placeholder("it was not asked for")
    try:
        return _reveal(project, source, item, policy, unmask=unmask)
    except BaseException as error:
        _forget(error)
        raise


def _reveal(
    project: Project, source: Fetcher, item: int | str, policy: Policy, *, unmask: bool
) -> Placeholder:
    content = _fetched(source.fetch, item)
    further = [_shown_policy(project, name) for name in content.policies]
    gravest = max([policy, *further], key=lambda each: each.severity)
    if gravest is not policy and not _agreed(gravest):
        return Placeholder("it was not asked for")
    html = page_of(content, project.settings.masked_words, unmask=unmask)
    begun = time.monotonic()
    try:
        _show(html)
    finally:  # what was interrupted was seen too
        seconds = round(time.monotonic() - begun, 1)
        note(Seen(datetime.now().astimezone(), gravest.severity, content.kind, seconds))
    return Placeholder("it was shown once, to the person who asked")


def _forget(error: BaseException | None) -> None:
    """Empties the frames of a traceback, where a debugger such as `%debug` would find the item."""
    while error:
        clear_frames(error.__traceback__)
        error = error.__context__


def _shown_policy(project: Project, name: str) -> Policy:
    """A policy whose items may be shown at all.

    Raises:
        UserError: it is not known, or none of its items may ever be shown.
    """
    if name not in project.policies:
        raise unknown("reveal: policy", name, project.policies)
    policy = project.policies[name]
    if policy.hash_only:
        raise UserError("reveal", f"items under {policy.title!r} are never shown, by any call")
    return policy


def _fetched(fetch: Callable[[int | str], Got], item: int | str) -> Got:
    """What a fetcher gives; what it raises may hold content, so only its kind is passed on."""
    try:
        return fetch(item)
    except Exception as error:
        kind = type(error).__name__
    raise UserError("reveal", f"the fetcher could not get the item ({kind})")


def _is_interactive() -> bool:
    """Whether a person sits before this kernel: one who can be asked.

    JupyterLab and VS Code let a cell ask; papermill, nbconvert and nbval do not.
    """
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell: Any = get_ipython()
    kernel = getattr(shell, "kernel", None)
    return bool(getattr(kernel, "_allow_stdin", False))


def _agreed(policy: Policy) -> bool:
    """Names what is coming, and waits for the person's word."""
    told = f"{policy.title}; severity {policy.severity} of 5. Type {YES} to see it, Enter not to: "
    return input(told).strip().lower() == YES


def _show(html: str) -> None:
    """Shows a page until the person puts it away."""
    from IPython.display import IFrame, clear_output, display

    page = Once(html)
    try:
        display(IFrame(page.url, width="100%", height=260))  # type: ignore[no-untyped-call]
        input("Enter puts it away: ")
    finally:
        page.close()
        clear_output()  # type: ignore[no-untyped-call]
