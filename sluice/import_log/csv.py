"""CSV as a stream of events: one row is one event; no type is guessed, and nothing but the empty text means 'missing'.

Rows that cannot be used are set aside with their line and the reason; the rest of the file is read.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from sluice.errors import BadInput
from sluice.import_log.files import LogFile
from sluice.import_log.landing import LONGEST_KEY, Landing
from sluice.import_log.mapping import Mapping
from sluice.import_log.times import BadTime, NaiveTime, TimeReader

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
LONGEST_FIELD = 131_072  # characters
LONGEST_LINE = 10_000_000  # characters; a longer one is read no further
MOST_COLUMNS = 400


@dataclass(frozen=True)
class CsvHeader:
    """The first line of a CSV file, and how it was read."""

    columns: tuple[str, ...]
    separator: str
    is_guessed: bool
    encoding: str

    @property
    def separator_name(self) -> str:
        return SEPARATORS.get(self.separator, repr(self.separator))


def read_header(file: LogFile, *, separator: str | None = None, encoding: str | None = None) -> CsvHeader:
    """Read the first line; the separator is the one that splits it into most columns, unless declared."""
    encoding = encoding or file.encoding or "utf-8-sig"
    try:
        "".encode(encoding)  # unlike codecs.lookup, this knows encodings of text alone
    except (LookupError, ValueError):
        raise BadInput(
            f"--encoding {encoding!r}: there is no such encoding of text: give one such as utf-8 or cp1252"
        ) from None
    candidates = [separator] if separator else list(SEPARATORS)
    headers = {}
    for candidate in candidates:
        rows = _rows(file, candidate, encoding)
        headers[candidate] = next((tuple(cell.strip() for cell in row) for _, row in rows if isinstance(row, list)), ())
    best = max(candidates, key=lambda candidate: len(headers[candidate]))
    columns = headers[best]
    if len(columns) > MOST_COLUMNS:
        raise BadInput(
            f"{file.path}: line 1: has {len(columns)} columns, at most {MOST_COLUMNS} are read: is --separator right?"
        )
    if any("\x00" in column for column in columns):
        raise BadInput(f"{file.path}: line 1: holds NUL characters: export the log as UTF-8 text")
    return CsvHeader(columns, best, separator is None, encoding)


def read_csv(file: LogFile, header: CsvHeader, mapping: Mapping, times: TimeReader, landing: Landing) -> None:
    """Read all rows into `landing`, whose extra columns are those that play no part (see `extra_columns`).

    `row` is the line where the row begins, so that every event leads back to its line. Raises BadInput.
    """
    width = len(header.columns)
    at = {name: header.columns.index(name) for name in mapping.used()}
    case_at, time_at = at[mapping.case], at[mapping.timestamp]
    activity_at = [at[name] for name in mapping.activity]
    start_at, who_at, lifecycle_at, instance_at = (
        None if name is None else at[name]
        for name in (mapping.start, mapping.resource, mapping.lifecycle, mapping.instance)
    )
    extra = list(extra_columns(header, mapping).items())
    write, reject, read_time = landing.write, landing.reject, times.read
    person, name_case = landing.person, landing.case
    counts = landing.found.counts
    for line, cells in _rows(file, header.separator, header.encoding, skip_header=True):
        counts["rows"] += 1
        if isinstance(cells, str):
            reject(line, "bad_row", f"line {line}: {cells}")
            continue
        if len(cells) != width:
            reject(line, "ragged_row", f"line {line}: has {len(cells)} fields, the header has {width}")
            continue
        if any("\x00" in cell for cell in cells):
            reject(line, "nul_character", f"line {line}: holds a NUL character")
            continue
        case = cells[case_at]
        activity = cells[activity_at[0]] if len(activity_at) == 1 else "+".join(cells[number] for number in activity_at)
        if not case or not activity.strip("+ "):
            part, name = ("case", mapping.case) if not case else ("activity", " + ".join(mapping.activity))
            reject(line, f"event_without_{part}", f"line {line}: column {name} is empty")
            continue
        lifecycle = (cells[lifecycle_at] or None) if lifecycle_at is not None else None
        parts = {"case": case, "activity": activity, "lifecycle": lifecycle or ""}
        long = next((part for part, value in parts.items() if len(value) > LONGEST_KEY), None)
        if long is not None:
            reject(line, f"{long}_too_long", f"line {line}: the {long} is longer than {LONGEST_KEY} characters")
            continue
        column = mapping.timestamp
        try:
            time = read_time(cells[time_at])
            begun = None
            if start_at is not None and cells[start_at]:
                column = mapping.start
                begun = read_time(cells[start_at])
        except NaiveTime as error:
            raise BadInput(f"{file.path}: line {line}: column {column} {error}") from None
        except BadTime as error:
            empty = column == mapping.timestamp and not cells[time_at]
            reject(line, "event_without_time" if empty else "bad_time", f"line {line}: column {column} {error}")
            continue
        who = cells[who_at] if who_at is not None else None
        write(
            (
                line,
                name_case(mapping.case, case),
                activity,
                time,
                begun,
                lifecycle,
                person(who) if who else None,
                (cells[instance_at] or None) if instance_at is not None else None,
                None,
                *[landing.attribute(name, cells[number]) if cells[number] else None for name, number in extra],
            )
        )


def extra_columns(header: CsvHeader, mapping: Mapping) -> dict[str, int]:
    """The columns that play no part, maybe attributes of the case: name -> position. The first of a name counts."""
    found: dict[str, int] = {}
    for number, name in enumerate(header.columns):
        if name not in mapping.used():
            found.setdefault(name or f"column {number + 1}", number)
    return found


def _rows(
    file: LogFile, separator: str, encoding: str, *, skip_header: bool = False
) -> Iterator[tuple[int, list[str] | str]]:
    """(line where it begins, cells) of every row that is not blank; a text instead of cells says why there are none."""
    csv.field_size_limit(LONGEST_FIELD)
    text = io.TextIOWrapper(_Stream(file), encoding=encoding, newline="")
    lines = csv.reader(_lines(text, file), delimiter=separator, strict=True)
    started, overlong = 1, None
    try:
        while True:
            try:
                row = next(lines)
            except StopIteration:
                return
            except csv.Error as error:
                if "end of data" in str(error):
                    raise BadInput(
                        f"{file.path}: line {overlong or started}: a quote is opened here that is never closed: "
                        "is the file cut off, or --separator wrong?"
                    ) from None
                if "field limit" in str(error) and overlong is None:
                    overlong = started
                reason = (
                    f"a field is longer than {LONGEST_FIELD:,} characters"
                    if "field limit" in str(error)
                    else f"is no CSV ({error})"
                )
                row = reason
            if row and not skip_header:
                yield started, row
            elif row:
                skip_header = False
            started = lines.line_num + 1
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{file.path}: line {_undecodable(file, encoding)}: is not {error.encoding}: "
            "declare the encoding with --encoding (such as cp1252), or save the file as UTF-8"
        ) from None
    except UnicodeError as error:
        raise BadInput(f"{file.path}: line {started}: cannot be read as {encoding} ({error})") from None


def _lines(text: io.TextIOWrapper, file: LogFile) -> Iterator[str]:
    """The lines, none of which may fill the memory."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise BadInput(
                f"{file.path}: line {number}: is longer than {LONGEST_LINE // 1_000_000} MB: no event log has that: "
                "is it text, with an event on each line?"
            )
        yield line


def _undecodable(file: LogFile, encoding: str) -> str:
    """The first line that is not in `encoding` (of encodings that keep line feeds as they are)."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    try:
        for chunk in file.chunks():
            decoder.decode(chunk)
            line += chunk.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        line += error.object[: error.start].count(b"\n")
    return str(line)


class _Stream(io.RawIOBase):
    """The unpacked content as a file object."""

    def __init__(self, file: LogFile):
        self._chunks, self._rest = file.chunks(), memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
