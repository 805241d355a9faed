"""CSV (RFC 4180, UTF-8) as a stream: one row per event, under the column names that pm4py writes."""

import csv
import io
from collections.abc import Callable
from typing import BinaryIO

from sluice.export.published import PublishedLog

_COLUMNS = ("case:concept:name", "concept:name", "time:timestamp", "start_timestamp", "lifecycle:transition")
_WRITTEN = 1 << 18  # characters kept before they are encoded and written


def write_csv(log: PublishedLog, out: BinaryIO, *, told: Callable[[int], None] = lambda count: None) -> int:
    """Write `log`; returns 0, the number of texts that could not be written as they are.

    told: called after each case with the number of events so far. The columns of the cases' attributes are `case:<name>`.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\r\n")
    person = ("org:resource",) if log.has_resources else ()
    rows.writerow((*_COLUMNS, *person, *(f"case:{one.name}" for one in log.attributes)))
    count = 0
    for case in log.cases():
        values = case.values or (None,) * len(log.attributes)
        for event in case.events:
            started = event.started_at and _moment(event.started_at)
            who = (event.resource,) if log.has_resources else ()
            rows.writerow(
                (case.case_id, event.activity, _moment(event.occurred_at), started, event.lifecycle, *who, *values)
            )
        count += len(case.events)
        if text.tell() > _WRITTEN:
            _flush(text, out)
        told(count)
    _flush(text, out)
    return 0


def _flush(text: io.StringIO, out: BinaryIO) -> None:
    out.write(text.getvalue().encode())
    text.seek(0)
    text.truncate()


def _moment(text: str) -> str:
    return f"{text}+00:00"
