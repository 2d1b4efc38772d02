"""The catalogue of metrics, one scan into a cube, estimates with intervals."""
