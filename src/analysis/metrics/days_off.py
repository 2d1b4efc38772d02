"""Public holidays of a market, by the country that its code names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.calendar import Market, Window
from analysis.methods.buckets import Floats


def holiday_shares(market: Market, windows: Sequence[Window]) -> Floats:
    """The share of each window's days that are public holidays in the whole of the country.

    A market's code is that of a country (ISO 3166), which is what the `holidays` package goes by;
    where it knows no such country there are none.
    """
    # Slow to import, all the more so its countries, and only what watches metrics needs it.
    import holidays.countries

    years = range(windows[0].start.year, windows[-1].end.year + 1)
    try:
        found = holidays.country_holidays(market.code, years=years)
    except NotImplementedError:
        return np.zeros(len(windows))
    off = np.array(sorted(found), "datetime64[D]")
    starts, ends = (
        np.array([getattr(window, key) for window in windows], "datetime64[D]")
        for key in ("start", "end")
    )
    counted = np.searchsorted(off, ends) - np.searchsorted(off, starts)
    shares: Floats = counted / np.array([window.days for window in windows])
    return shares
