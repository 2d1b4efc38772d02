"""Pure statistics: arrays and frames in, frozen results out; no I/O, no plots, no project."""
