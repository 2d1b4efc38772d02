"""People who look at harmful content: not showing it first, one item at a time, a private count.

`reveal` shows one item to one person, who asked for it. Blur, greyscale and small pictures are
comfort, never protection: the evidence on them disagrees (Das, Dang and Lease 2020 found that
interactive blur helps; Lewitzka et al. 2026, a randomised study, found no fewer intrusions). What
is known to count is how much is seen, and that it comes expected.
"""

from analysis.safeguards.people.fetching import Content, Fetcher, register
from analysis.safeguards.people.masked import mask_content
from analysis.safeguards.people.revealing import reveal

__all__ = ["Content", "Fetcher", "mask_content", "register", "reveal"]
