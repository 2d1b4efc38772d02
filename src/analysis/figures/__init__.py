"""The house style and the chart functions; every figure carries its words and its data."""
