"""Small agent exports for tests, one builder per format."""

import csv
import io
import json

RPA_COLUMNS = (
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
SMARTRPA_COLUMNS = (
    "timestamp",
    "user",
    "category",
    "application",
    "event_type",
    "event_src_path",
    "event_dest_path",
    "clipboard_content",
    "mouse_coord",
    "workbook",
    "current_worksheet",
    "worksheets",
    "sheets",
    "cell_content",
    "cell_range",
    "cell_range_number",
    "window_size",
    "slides",
    "effect",
    "hotkey",
    "id",
    "title",
    "description",
    "browser_url",
    "eventQual",
    "tab_moved_from_index",
    "tab_moved_to_index",
    "newZoomFactor",
    "oldZoomFactor",
    "tab_pinned",
    "tab_audible",
    "tab_muted",
    "window_ingognito",
    "file_size",
    "tag_category",
    "tag_type",
    "tag_name",
    "tag_title",
    "tag_value",
    "tag_checked",
    "tag_html",
    "tag_href",
    "tag_innerText",
    "tag_option",
    "tag_attributes",
    "xpath",
    "xpath_full",
)


def csv_text(columns, rows, *, delimiter=",", quoting=csv.QUOTE_ALL, line_end="\n", final_line_end=True):
    """A CSV of `rows` (dicts; missing columns are empty)."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue() if final_line_end else out.getvalue().removesuffix(line_end)


def rpa_row(time="2025-03-03T09:00:00.000Z", user="anna", app="Chrome", event="paste", **fields):
    """A row of the RPA UI logger; fields by column, target_id for target.id."""
    given = {name.replace("target_", "target.", 1): value for name, value in fields.items()}
    return {"timeStamp": time, "userID": user, "targetApp": app, "eventType": event} | given


def rpa_text(*rows, columns=RPA_COLUMNS, **options):
    """A recording of the RPA UI logger."""
    return csv_text(columns, rows, **options)


def smartrpa_row(
    time="2025-03-03T09:00:00.000", user="anna", category="Browser", app="Edge", event="changeField", **fields
):
    """A row of SmartRPA."""
    return {"timestamp": time, "user": user, "category": category, "application": app, "event_type": event} | fields


def smartrpa_text(*rows, columns=SMARTRPA_COLUMNS, quoting=csv.QUOTE_MINIMAL, **options):
    """A recording of SmartRPA, as upstream writes it unless told otherwise."""
    return csv_text(columns, rows, quoting=quoting, line_end="\r\n", **options)


def bucket(*events, kind="currentwindow", host="pc-anna", client="aw-watcher-window", name=None):
    """An ActivityWatch bucket."""
    return {
        "id": name or f"{client}_{host}",
        "created": "2025-01-01T00:00:00Z",
        "type": kind,
        "client": client,
        "hostname": host,
        "events": list(events),
    }


def event(time, duration=0, **data):
    """An ActivityWatch event."""
    return {"timestamp": time, "duration": duration, "data": data}


def aw_text(*buckets, as_array=False):
    """An ActivityWatch export."""
    return json.dumps({"buckets": list(buckets) if as_array else {one["id"]: one for one in buckets}})
