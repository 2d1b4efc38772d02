"""The demo platform: a seeded simulation of a short-video platform, made in the warehouse's SQL.

The same seed, scale, markets and policies give the same rows on any machine. What is true of the
world (incidents, effects, skills, which posts violate) lies in `demo_truth` and
`demo_truth_content`, which tests read and no study does.
"""

from __future__ import annotations

from analysis.warehouse.demo.build import demo_version, is_demo
from analysis.warehouse.demo.make import DemoSummary, make_demo

__all__ = ["DemoSummary", "demo_version", "is_demo", "make_demo"]
