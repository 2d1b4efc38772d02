"""Safety Studies: one question in one notebook, answered for every market and window."""
