"""What a record doubts of its data, in the language of the page.

A record holds sentences in English, as `sources.summary.doubts` makes them; the two forms that it
has are known here, and any other stays as it is.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from analysis.report.i18n import gettext, ngettext, quoted

if TYPE_CHECKING:
    from analysis.report.words import Words

_INCOMPLETE = re.compile(r"Incomplete: the last (\d+) days? of this window .*")
_STALE = re.compile(
    r"Stale: (\S+) was last loaded from (\S+) on (\d{4}-\d\d-\d\d \d\d:\d\d) UTC,"
    r" .* ([\d.]+) hours .*"
)


def doubt(text: str, said: Words) -> Markup:
    """One sentence, translated where it is known, else as the study's own words.

    Args:
        text: the sentence as the record has it.
        said: the words of the page's language.
    """
    if found := _INCOMPLETE.fullmatch(text):
        count = int(found[1])
        days = ngettext("%(num)s day", "%(num)s days", count) % {"num": said.number(count)}
        form = gettext(
            "Incomplete: the data end %(days)s before the window does, and its numbers will change."
        )
        return escape(form % {"days": days})
    if found := _STALE.fullmatch(text):
        at = datetime.strptime(found[3], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        given = {"table": found[1], "source": found[2], "time": said.instant(at)}
        form = gettext(
            "Stale: %(table)s was last loaded from %(source)s on %(time)s UTC, which is longer ago "
            "than the %(hours)s hours expected."
        )
        return escape(form % {**given, "hours": said.number(float(found[4]))})
    return quoted(text)
