"""k-anonymity: which rows of a result may be shown, when each must rest on at least k different persons.

Rows below k are left out. So that what is left out cannot be found by subtracting the rows that are shown from a
total (complementary disclosure), the rows left out of a total must rest on at least k persons together, too: else the
smallest row that could be shown is left out as well. See Sweeney (2002) for the first and Cox (1980) for the second
rule.
"""

from collections.abc import Sequence

import narwhals as nw


def publishable(
    incidence: nw.DataFrame, *, by: Sequence[str], k: int, margins: Sequence[Sequence[str]] = ((),)
) -> nw.DataFrame:
    """The rows that may be shown: the distinct values of `by`, sorted.

    incidence: who stands behind which row: the columns `by` and `resource_key`, as often as one likes; a null person
    counts as nobody. margins: the subsets of `by` whose totals readers know; `()` is the grand total.

    >>> import polars as pl, narwhals as nw
    >>> rows = [("mail", p) for p in range(9)] + [("sheets", p) for p in range(6)] + [("game", 1)]
    >>> frame = nw.from_native(pl.DataFrame(rows, schema=["application", "resource_key"], orient="row"))
    >>> publishable(frame, by=["application"], k=5)["application"].to_list()  # else "game" = total - mail - sheets
    ['mail']
    """
    if k < 1:
        raise ValueError(f"k: expected at least 1, found {k}")
    by = list(by)
    persons: dict[tuple, set] = {}
    for *key, person in incidence.select(*by, "resource_key").unique().iter_rows():
        behind = persons.setdefault(tuple(key), set())
        if person is not None:
            behind.add(person)
    shown = {key for key, behind in persons.items() if len(behind) >= k}
    while True:
        also_hidden = {
            key for margin in margins for key in _complements(persons, shown, [by.index(m) for m in margin], k)
        }
        if not also_hidden:
            break
        shown -= also_hidden
    keys = sorted(shown)
    return nw.from_dict(
        {name: [key[index] for key in keys] for index, name in enumerate(by)},
        schema={name: incidence.schema[name] for name in by},
        backend=incidence.implementation,
    )


def _complements(persons: dict[tuple, set], shown: set[tuple], margin: list[int], k: int) -> list[tuple]:
    """Of each total whose hidden rows rest on fewer than k persons: the smallest shown row."""
    hidden: dict[tuple, set] = {}
    for key, behind in persons.items():
        if key not in shown:
            hidden.setdefault(tuple(key[index] for index in margin), set()).update(behind)
    smallest: dict[tuple, tuple] = {}
    for key in shown:
        total = tuple(key[index] for index in margin)
        if len(hidden.get(total, ())) < k and total in hidden:
            size = (len(persons[key]), key)
            smallest[total] = min(smallest.get(total, size), size)
    return [key for _, key in smallest.values()]
