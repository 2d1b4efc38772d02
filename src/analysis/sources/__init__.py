"""Where rows come from: a source reads what others hold and loads canonical tables."""
