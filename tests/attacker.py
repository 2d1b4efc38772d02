"""The attacker: who reads everything that is shown, knows what adds up to what, and subtracts.

Written apart from the safeguards: it is given the true structure of the data, by name, and solves
for what is hidden by linear programming.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linprog

#: Names of counts that add up to a further one.
Sum = tuple[Sequence[str], str]


def bounds(name: str, shown: Mapping[str, int | None], sums: Sequence[Sum]) -> tuple[float, float]:
    """What a hidden count can be, for who knows what is shown and every sum.

    Args:
        name: of the count.
        shown: every count by name, None where it is hidden.
        sums: parts, and what they add up to.
    """
    unknown = [each for each, value in shown.items() if value is None]
    at = {each: number for number, each in enumerate(unknown)}
    matrix, right = [], []
    for parts, total in sums:
        row, known = np.zeros(len(unknown)), 0.0
        for sign, each in [*((1, part) for part in parts), (-1, total)]:
            value = shown[each]
            if value is None:
                row[at[each]] += sign
            else:
                known -= sign * value
        if row.any():
            matrix.append(row)
            right.append(known)
    if not matrix:
        return 0.0, np.inf
    goal = np.zeros(len(unknown))
    goal[at[name]] = 1
    ends = []
    for sign in (1, -1):
        solved = linprog(sign * goal, A_eq=np.array(matrix), b_eq=right, bounds=(0, None))
        ends.append(sign * solved.fun if solved.status == 0 else -sign * np.inf)
    return ends[0], ends[1]
