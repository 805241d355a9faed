"""RPA UI logger CSV: one file per person, the rows in the order in which they were recorded."""

import csv
from collections.abc import Iterable
from pathlib import Path

from sluice.demo.calendar import utc

COLUMNS = (
    "timeStamp",
    "userID",
    "targetApp",
    "eventType",
    "url",
    "content",
    "target.workbookName",
    "target.sheetName",
    "target.id",
    "target.class",
    "target.tagName",
    "target.type",
    "target.name",
    "target.value",
    "target.innerText",
    "target.checked",
    "target.href",
    "target.option",
    "target.title",
    "target.innerHTML",
)


def row(at: float, user: str, app: str, event: str, **fields: str) -> dict[str, str]:
    """One recorded action; `fields` by column, the dots of the names written as underscores."""
    time = utc(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    given = {name.replace("_", ".", 1): value for name, value in fields.items()}
    return {"timeStamp": time, "userID": user, "targetApp": app, "eventType": event} | given


def write(path: Path, rows: Iterable[dict[str, str]], *, bad_lines: Iterable[str] = ()) -> None:
    """Write the rows as the logger does (everything quoted); `bad_lines` go in behind the third row, as they are."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writeheader()
        for number, fields in enumerate(rows):
            if number == 3:
                file.writelines(f"{line}\n" for line in bad_lines)
            writer.writerow(fields)
