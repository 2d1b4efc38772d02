"""Complementary suppression: hides as many more counts as keep a small one from coming back.

After each choice the attacker's own problem is solved (Fischetti and Salazar 2001, "Solving the
cell suppression problem on tabular data with linear constraints", Management Science 47, section
2): the least and the greatest value that a hidden cell can have, given all that is shown and every
sum that is known. The choice itself is greedy, the smallest count first (Hundepool et al. 2012,
*Statistical Disclosure Control*, section 4.4): optimal suppression is NP-hard, and tables of a page
are small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from analysis.safeguards.disclosure.relations import Cell, Relation


def protect(
    values: Mapping[Cell, int], primary: set[Cell], known: Sequence[Relation], minimum: int
) -> set[Cell]:
    """The cells to hide so that none of the primary ones can be told to be below the minimum.

    Args:
        values: of every count.
        primary: counts that are too small themselves.
        known: which cells add up to known sums.
        minimum: the least count that is shown.

    Returns:
        The primary cells and those that are hidden with them.
    """
    hidden = set(primary)
    about: dict[Cell, list[Relation]] = {}
    for relation in known:
        for cell in relation.cells:
            about.setdefault(cell, []).append(relation)
    while (beside := _alone(values, hidden, known)) is not None:
        hidden.add(beside)
    # What is hidden later only widens what was found before: each cell is looked at once.
    for cell in sorted(primary):
        while (more := _told(cell, values, hidden, about, minimum)) is not None:
            hidden.add(more)
    return hidden


def _alone(values: Mapping[Cell, int], hidden: set[Cell], known: Iterable[Relation]) -> Cell | None:
    """The cell to hide beside one that is the only hidden one of its relation."""
    for relation in known:
        inside = [cell for cell in relation.cells if cell in hidden]
        if len(inside) == 1 and (other := _smallest(values, hidden, relation)):
            return other
    return None


def _smallest(values: Mapping[Cell, int], hidden: set[Cell], relation: Relation) -> Cell | None:
    """The smallest count of a relation that is not hidden; parts before totals; never a zero."""
    for cells in (relation.parts, relation.minus):
        open_cells = [cell for cell in cells if cell not in hidden and values.get(cell, 0) > 0]
        if open_cells:
            return min(open_cells, key=lambda cell: (values[cell], cell))
    return None


def _told(
    cell: Cell,
    values: Mapping[Cell, int],
    hidden: set[Cell],
    about: Mapping[Cell, list[Relation]],
    minimum: int,
) -> Cell | None:
    """The cell to hide where an attacker could tell that a primary one is below the minimum."""
    choices = (_smallest(values, hidden, relation) for relation in about.get(cell, ()))
    open_cells = [choice for choice in choices if choice]
    if not open_cells:
        return None
    low, high = bounds(cell, values, hidden, about)
    if high >= minimum and high - low >= minimum:
        return None
    return min(open_cells, key=lambda each: (values[each], each))


def bounds(
    cell: Cell,
    values: Mapping[Cell, int],
    hidden: set[Cell],
    about: Mapping[Cell, list[Relation]],
) -> tuple[float, float]:
    """The least and the greatest value that a hidden cell can have, for who knows the rest.

    Args:
        cell: one of the hidden.
        values: the true counts, of which the attacker sees those that are not hidden.
        hidden: what is not shown.
        about: the relations of each cell.
    """
    import numpy as np
    from scipy.optimize import linprog

    unknown, rows = _reach(cell, hidden, about)
    if not rows:
        return 0.0, np.inf
    place = {each: at for at, each in enumerate(unknown)}
    matrix = np.zeros((len(rows), len(unknown)))
    sums = np.zeros(len(rows))
    for at, relation in enumerate(rows):
        for sign, cells in ((1, relation.parts), (-1, relation.minus)):
            for each in cells:
                if each in place:
                    matrix[at, place[each]] += sign
                    sums[at] += sign * values[each]
    goal = np.zeros(len(unknown))
    goal[place[cell]] = 1
    ends = []
    limits = [(0 if values[each] >= 0 else None, None) for each in unknown]
    for sign in (1, -1):
        solved = linprog(sign * goal, A_eq=matrix, b_eq=sums, bounds=limits, method="highs")
        # Without a limit (status 3) an end is open.
        ends.append(sign * (float(solved.fun or 0) if solved.status == 0 else -np.inf))
    return round(ends[0], 6), round(ends[1], 6)


def _reach(
    cell: Cell, hidden: set[Cell], about: Mapping[Cell, list[Relation]]
) -> tuple[list[Cell], list[Relation]]:
    """The hidden cells and relations that a cell hangs together with."""
    unknown, rows, left = {cell: None}, dict[Relation, None](), [cell]
    while left:
        for relation in about.get(left.pop(), ()):
            rows[relation] = None
            new = [each for each in relation.cells if each in hidden and each not in unknown]
            unknown |= dict.fromkeys(new)
            left += new
    return list(unknown), list(rows)
