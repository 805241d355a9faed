"""SmartRPA CSV: one row per event in the browser, Office, the clipboard or the operating system.

Format: the recorder's columns, `,` or `;` (README.md). Element ids are random at every page load and are never used.
"""

from collections.abc import Iterator

from extractors.agent.csv_rows import check_whole, read_header, rows
from extractors.agent.deidentify import (
    WITH_VALUE,
    Clipboards,
    Clock,
    Rules,
    Values,
    address_words,
    cell_place,
    is_secret,
    page_of,
    structural_path,
)
from extractors.agent.records import Action, BadRow
from extractors.agent.rpa_logger import _Users, target_kind, value_facts

TITLE = "a SmartRPA recording"
REQUIRED = ("timestamp", "user", "category", "application", "event_type")
LAST_COLUMNS = ("xpath_full", "screenshot")
DELIMITERS = ",;"
COLUMNS = (
    *REQUIRED,
    "clipboard_content",
    "workbook",
    "current_worksheet",
    "cell_content",
    "cell_range",
    "title",
    "browser_url",
    "tag_category",
    "tag_type",
    "tag_name",
    "tag_title",
    "tag_value",
    "tag_innerText",
    "xpath",
    "xpath_full",
)
_CATEGORY_KINDS = {"clipboard": "clipboard", "operatingsystem": "file", "os": "file"}
_CLIPBOARD_ACTIONS = frozenset({"copy", "cut", "paste"})


def parse(text: str, delimiter: str, rules: Rules) -> Iterator[Action | BadRow]:
    """The actions of a recording, without content; raises Refused or EmptyExport before the first."""
    header = read_header(text.split("\n", 1)[0].rstrip("\r"), delimiter)
    check_whole(text, delimiter, len(header), LAST_COLUMNS, has_final_line_end=True)
    place = {name: header.index(name) for name in COLUMNS if name in header}
    values, users = set(), set()
    for _seq, _line, fields in rows(text, delimiter, len(header)):
        if not isinstance(fields, BadRow):
            values.update(
                fields[place[name]] for name in ("clipboard_content", "cell_content", "tag_value") if name in place
            )
            users.add(fields[place["user"]].strip())
    return _actions(text, delimiter, len(header), place, Values(values), _Users(users - {""}), rules)


def _actions(
    text: str, delimiter: str, width: int, place: dict[str, int], seen: Values, users: _Users, rules: Rules
) -> Iterator[Action | BadRow]:
    clock, clipboards = Clock(rules.zone), Clipboards()
    for seq, line, fields in rows(text, delimiter, width):
        if isinstance(fields, BadRow):
            yield fields
            continue
        row = {name: fields[place[name]] if name in place else "" for name in COLUMNS}
        occurred_at = clock.read(row["timestamp"])
        if occurred_at is None:
            yield BadRow(line, "time", "timestamp is no time: expected ISO 8601, local time of the declared zone")
            continue
        if not row["event_type"].strip():
            yield BadRow(line, "event_type", "event_type is empty")
            continue
        yield _action(seq, line, occurred_at, row, users.of(row["user"]), seen, clipboards, rules)


def _action(
    seq, line, occurred_at, row: dict[str, str], user: str, seen: Values, clipboards: Clipboards, rules: Rules
) -> Action:
    person = rules.person(user)
    application, action = rules.application(row["application"]), rules.vocabulary.action(row["event_type"])
    sheet = (row["workbook"], row["current_worksheet"])
    cell = cell_place(row["cell_range"]) if any(sheet) else None
    page = "" if any(sheet) else page_of(row["browser_url"])
    tag, kind = row["tag_category"], row["tag_type"]
    label = target_row = None
    if cell is not None:
        columns, target_row, is_one = cell
        element_key = rules.key("element", "cell", *sheet, columns)
        label, what = f"column{'' if is_one else 's'} {columns}", "cell" if is_one else "range"
    else:
        place = structural_path(row["xpath_full"]) or structural_path(row["xpath"])
        element_key = rules.key("element", "page", page, tag, kind, place) if tag or place else None
        label = rules.label(seen, row["tag_name"])
        what = target_kind(tag, kind) or (
            "worksheet" if any(sheet) else _CATEGORY_KINDS.get(row["category"].casefold(), "page" if page else None)
        )

    fact: dict[str, object] = {}
    secret = is_secret(kind, row["tag_title"], row["tag_innerText"])
    value = row["clipboard_content"] if action in _CLIPBOARD_ACTIONS else row["cell_content"] or row["tag_value"]
    if action in WITH_VALUE:
        fact = value_facts(seq, action, value, person, clipboards, rules, is_hidden=secret)
    return Action(
        source_seq=seq,
        line=line,
        occurred_at=occurred_at,
        ended_at=None,
        person=person,
        application=application,
        action=action,
        element_key=element_key,
        element_label=label,
        target_kind=what,
        target_row=target_row,
        container_key=rules.key("sheet", *sheet) if any(sheet) else rules.key("page", page),
        document_ref=None
        if secret
        else rules.vocabulary.document_in(
            row["clipboard_content"],
            row["cell_content"],
            row["tag_value"],
            row["tag_innerText"],
            row["title"],
            row["tag_title"],
            address_words(row["browser_url"]),
        ),
        **fact,
    )
