"""Plan, execute, record: the matrix of runs."""
