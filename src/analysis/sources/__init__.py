"""Where rows come from: what is outside is mapped to the canonical tables."""
