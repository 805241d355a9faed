"""Results as tables of the warehouse: their names and types, handed on as soon as each is there."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock

import narwhals as nw
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from mining_tasks import io
from mining_tasks.results import Results
from sluice.mined import PER_CASE

Done = Callable[[str, pa.Table, int], None]  # a table, its rows that are shown, how many it has
_SEQUENCES = {
    "variants": ("variant_id", "activities"),
    "repeated_sequences": ("sequence_id", "steps"),
    "roles": ("role_id", "activities"),
}
_PARTS_OF_KEYS = {
    "order_bounds": ("activity", "next_activity", "variant_id"),
    "map_levels": ("source_activity", "target_activity"),
}
_TIMES = {"as_of_us": "as_of"}
_DAYS = {
    "week_start_day": "week_start",
    "first_week_start_day": "first_week_start",
    "last_week_start_day": "last_week_start",
    "work_day": "day",
}


class Made:
    """The tables that are there, as the warehouse has them. done: is told each of them once. shown_cases: `case_key` of the
    cases that the tables per case have; None: of all.
    """

    def __init__(self, names: Mapping[int, str], done: Done | None, shown_cases: pl.Series | None = None):
        self.tables: dict[str, pa.Table] = {}
        self._names, self._done, self.shown_cases = names, done, shown_cases
        self._taking = Lock()

    def take(self, results: Results) -> None:
        """Those of the results that were not there before; from any thread."""
        with self._taking:
            self._take(results)

    def _take(self, results: Results) -> None:
        for name, frame in list(results.tables.items()):  # another thread may be adding to it
            if name not in self.tables:
                shown = frame
                if self.shown_cases is not None and name in PER_CASE:
                    rows = frame.to_polars()
                    shown = nw.from_native(rows.filter(rows["case_key"].is_in(self.shown_cases.implode())))
                self.add(name, self._as_arrow(name, shown, results.sequences), len(frame))

    def add(self, name: str, table: pa.Table, row_count: int | None = None) -> None:
        """One more. row_count: how many rows it has, where `table` are not all of them."""
        self.pass_on(name, _renamed(table), len(table) if row_count is None else row_count)

    def pass_on(self, name: str, table: pa.Table, row_count: int) -> None:
        """One that another `Made` has handed on."""
        self.tables[name] = table
        if self._done is not None:
            self._done(name, table, row_count)

    def _as_arrow(self, name: str, frame: nw.DataFrame, sequences: Mapping[str, Mapping[str, tuple]]) -> pa.Table:
        table = _plain(frame, self._names)
        if name in _SEQUENCES:
            key, column = _SEQUENCES[name]
            known = sequences[name]
            steps = [[self._names.get(step, step) for step in known[row]] for row in table[key].to_pylist()]
            table = table.append_column(column, pa.array(steps, pa.list_(pa.string())))
        return _without_nulls(table, _PARTS_OF_KEYS.get(name, ()))


def suppressions_of(results: Results, k: int) -> pa.Table:
    """A row per table that leaves rows out, by name: how many are shown, how many not."""
    found = dict(sorted(results.suppressions.items()))
    return pa.table(
        {
            "table_name": list(found),
            "k_anonymity": [k] * len(found),
            "published_count": [one.published_count for one in found.values()],
            "suppressed_count": [one.suppressed_count for one in found.values()],
        }
    )


def _plain(frame: nw.DataFrame, names: Mapping[int, str]) -> pa.Table:
    """A result under the names of the warehouse: `*_activity_key` -> `*_activity`."""
    table = frame.to_arrow()
    for index, column in enumerate(frame.columns):
        if column.endswith("activity_key"):
            places = pc.index_in(table[column].cast(pa.int64()), value_set=pa.array(list(names), pa.int64()))
            values = pa.array(list(names.values()), pa.string()).take(places)
            table = table.set_column(index, column.removesuffix("_key"), values)
    return table


def _without_nulls(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Parts of a key: empty where there is none."""
    for column in columns:
        table = table.set_column(table.schema.get_field_index(column), column, pc.fill_null(table[column], ""))
    return table


def _renamed(table: pa.Table) -> pa.Table:
    """Times and days under the names and with the types of the warehouse: `*_us` -> `*_at`."""
    for index, column in enumerate(table.column_names):
        if column.endswith("_us"):
            name = _TIMES.get(column, column.removesuffix("_us") + "_at")
            table = table.set_column(index, name, io.timestamps(table[column]))
        elif column in _DAYS:
            table = table.set_column(index, _DAYS[column], table[column].cast(pa.int32()).cast(pa.date32()))
    return table
