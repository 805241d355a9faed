"""SmartRPA CSV: one file per person, as the recorder writes it: BOM, naive local time, a line end behind every row."""

import csv
from collections.abc import Iterable
from pathlib import Path

from sluice.demo.calendar import utc

_HEADER = (
    "timestamp user category application event_type event_src_path event_dest_path clipboard_content mouse_coord "
    "workbook current_worksheet worksheets sheets cell_content cell_range cell_range_number window_size slides "
    "effect hotkey id title description browser_url eventQual tab_moved_from_index tab_moved_to_index "
    "newZoomFactor oldZoomFactor tab_pinned tab_audible tab_muted window_ingognito file_size tag_category "
    "tag_type tag_name tag_title tag_value tag_checked tag_html tag_href tag_innerText tag_option tag_attributes "
    "xpath xpath_full"
)
COLUMNS = tuple(_HEADER.split())


def row(at: float, user: str, category: str, application: str, event: str, **fields: str) -> dict[str, str]:
    """One recorded event; the company keeps UTC, so local time is UTC without saying so."""
    time = utc(at).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return {
        "timestamp": time,
        "user": user,
        "category": category,
        "application": application,
        "event_type": event,
    } | fields


def write(path: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write the rows."""
    with open(path, "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
