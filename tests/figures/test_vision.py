"""Series stay apart for readers who do not see all colours.

Simulation by the matrices of Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB;
differences in CIELAB (CIE 1976). Two colours of one chart are apart by hue or by lightness.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from analysis.figures import palette

SIMULATED = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
#: About five times what is just noticed (Mahy, Van Eycken and Oosterlinck 1994: 2.3).
APART = 11.5


def lab(colour: str, matrix: object) -> np.ndarray:
    coded = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(matrix) @ linear, 0, 1) / TO_XYZ.sum(axis=1)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("deficiency", SIMULATED)
def test_colours_that_meet_in_a_chart_stay_apart(deficiency: str, mode: str) -> None:
    matrix = SIMULATED[deficiency]
    close = {
        f"{one.variable} {other.variable}": round(float(distance), 1)
        for one, other in combinations(palette.SERIES, 2)
        if (
            distance := np.linalg.norm(
                lab(getattr(one, mode), matrix) - lab(getattr(other, mode), matrix)
            )
        )
        < APART
    }
    assert close == {}


@pytest.mark.parametrize("deficiency", SIMULATED)
def test_greys_stay_grey(deficiency: str) -> None:
    """The matrices keep white and grey, as the paper demands: their rows add up to one."""
    assert lab("#808080", SIMULATED[deficiency])[1:] == pytest.approx([0, 0], abs=0.5)
