"""The markets' zones as a small relation inside a query: codes and zones are bound values."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.calendar import Market


def zones_sql(markets: Mapping[str, Market]) -> tuple[str, list[object]]:
    """A relation `zones(market, zone)` to join, with the values to bind, in its order."""
    rows = ", ".join(["(CAST(? AS VARCHAR), CAST(? AS VARCHAR))"] * len(markets))
    values: list[object] = [part for m in markets.values() for part in (m.code, m.zone)]
    return f"(VALUES {rows}) AS zones(market, zone)", values
