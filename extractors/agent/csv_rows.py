"""Reads the records of a CSV export: each with its line, bad ones with a reason, a file cut short refused."""

import csv
import io
from collections.abc import Iterator

from extractors.agent.records import BadRow, EmptyExport, Refused

_FIELD_LIMIT = 16 * 1024 * 1024
_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


class _Lines:
    """The lines of a text; knows when a reader has asked for more than there are."""

    def __init__(self, text: str):
        self._lines = iter(io.StringIO(text, newline=""))
        self.is_exhausted = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        try:
            return next(self._lines)
        except StopIteration:
            self.is_exhausted = True
            raise


def read_header(line: str, delimiter: str) -> list[str]:
    """The column names of a header line."""
    return [name.strip().strip("\ufeff") for name in next(csv.reader([line], delimiter=delimiter), [])]


def tell_delimiter(line: str, required: tuple[str, ...], accepted: str, title: str) -> str | None:
    """The delimiter with which `line` has all `required` columns; None if it has too few of them to be this format.

    Raises Refused if it is the format, but with a delimiter that is not accepted or without a required column.
    """
    for delimiter in _DELIMITERS:
        found = set(required) & set(read_header(line, delimiter))
        if len(found) == len(required) and delimiter in accepted:
            return delimiter
        if len(found) == len(required):
            expected = " or ".join(_DELIMITERS[one] for one in accepted)
            raise Refused(
                f"columns of {title} separated by {_DELIMITERS[delimiter]}: expected {expected}; export it again"
            )
        if 2 * len(found) > len(required):
            missing = ", ".join(sorted(set(required) - found))
            raise Refused(f"looks like {title}, but column {missing} is missing in its header; export it again")
    return None


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | BadRow, bool]]:
    """Each record after the header: (line, fields or what is wrong, whether the text ended inside its quotes)."""
    csv.field_size_limit(_FIELD_LIMIT)
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter)
    is_header = True
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield (
                line,
                BadRow(line, "field_size", f"a field is larger than {_FIELD_LIMIT // 2**20} MiB, or it is not CSV"),
                False,
            )
            continue
        if not is_header and fields:
            yield line, fields, lines.is_exhausted
        is_header = False


def check_whole(
    text: str, delimiter: str, width: int, last_columns: tuple[str, ...], *, has_final_line_end: bool
) -> int:
    """Count the records; raises Refused if the file is cut or most records do not fit the header, EmptyExport if none.

    width: number of header fields. last_columns: a header without rows and line end is whole if it ends in one of them.
    has_final_line_end: this format's writer ends each row with a line end.
    """
    total = wrong = 0
    is_cut = False
    for _line, fields, is_open in _records(text, delimiter):
        total += 1
        is_bad = isinstance(fields, BadRow) or len(fields) != width
        wrong += is_bad
        is_cut = is_open or (not isinstance(fields, BadRow) and len(fields) < width)
    if total == 0 and text[-1] not in "\r\n" and read_header(text, delimiter)[-1] not in last_columns:
        raise Refused("the header is cut: there are no rows below it; copy the file again")
    if total == 0:
        raise EmptyExport("a header without rows")
    if total > 1 and 2 * wrong > total:
        raise Refused(
            f"{wrong} of {total} rows do not have the {width} fields of the header: wrong delimiter or quoting; "
            "export it again"
        )
    if is_cut or (has_final_line_end and text[-1] not in "\r\n"):
        raise Refused("the last row is incomplete: the file is cut; copy it again")
    return total


def rows(text: str, delimiter: str, width: int) -> Iterator[tuple[int, int, list[str] | BadRow]]:
    """Each record as (source_seq, line, fields or what is wrong with it); source_seq counts all records from 1."""
    for seq, (line, fields, _) in enumerate(_records(text, delimiter), start=1):
        if not isinstance(fields, BadRow) and len(fields) != width:
            fields = BadRow(line, "field_count", f"{len(fields)} fields: the header has {width}")
        yield seq, line, fields
