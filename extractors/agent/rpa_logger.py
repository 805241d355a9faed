"""RPA UI logger CSV: one row per action in Excel, the browser or the clipboard.

Format: the 20 columns of the logger (README.md). Row order is the sequence; times may jump backwards.
"""

import re
from collections.abc import Iterator

from extractors.agent.csv_rows import check_whole, read_header, rows
from extractors.agent.deidentify import (
    COPIES,
    ENTRIES,
    WITH_VALUE,
    Clipboards,
    Clock,
    Rules,
    Values,
    address_words,
    cell_place,
    is_secret,
    page_of,
    value_kind,
)
from extractors.agent.records import Action, BadRow

TITLE = "an RPA UI logger export"
REQUIRED = ("timeStamp", "userID", "targetApp", "eventType")
LAST_COLUMNS = ("target.innerHTML", "Task", "idx")
DELIMITERS = ","
COLUMNS = (
    *REQUIRED,
    "url",
    "content",
    "target.workbookName",
    "target.sheetName",
    "target.id",
    "target.tagName",
    "target.type",
    "target.name",
    "target.value",
    "target.innerText",
    "target.title",
)  # all that is ever looked at; of a row's other columns not even the text is touched
_INPUT_KINDS = {
    "checkbox": "checkbox",
    "radio": "radio button",
    "button": "button",
    "submit": "button",
    "password": "password field",
    "file": "file field",
    "reset": "button",
    "image": "button",
}
_TAG_KINDS = {
    "button": "button",
    "a": "link",
    "select": "list",
    "option": "list",
    "textarea": "text area",
    "img": "image",
    "form": "form",
}
_ACTION_KINDS = {
    "click_button": "button",
    "insert_value": "field",
    "edit_field": "field",
    "click_field": "field",
    "paste": "field",
    "click_link": "link",
}
SPREADSHEETS = ("Excel", "LibreOffice Calc")
_LONG_NUMBER = re.compile(r"\d{5,}|[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def target_kind(tag: str, kind: str) -> str | None:
    """What an HTML element is, from its tag and type; None if there is none."""
    tag, kind = tag.strip().casefold(), kind.strip().casefold()
    if tag == "input" or (not tag and kind):
        return _INPUT_KINDS.get(kind, "field")
    return _TAG_KINDS.get(tag, "element") if tag else None


class _Users:
    """Whose a row is: an empty user means the recording's only one, else the last one above."""

    def __init__(self, users: set[str]):
        self._last = next(iter(users)) if len(users) == 1 else ""

    def of(self, user: str) -> str:
        self._last = user.strip() or self._last
        return self._last


def parse(text: str, delimiter: str, rules: Rules) -> Iterator[Action | BadRow]:
    """The actions of a recording, without content; raises Refused or EmptyExport before the first."""
    header = read_header(text.split("\n", 1)[0].rstrip("\r"), delimiter)
    check_whole(text, delimiter, len(header), LAST_COLUMNS, has_final_line_end=False)
    place = {name: header.index(name) for name in COLUMNS if name in header}
    values, users = set(), set()
    for _seq, _line, fields in rows(text, delimiter, len(header)):
        if not isinstance(fields, BadRow):
            values.update(fields[place[name]] for name in ("content", "target.value") if name in place)
            users.add(fields[place["userID"]].strip())
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
        occurred_at = clock.read(row["timeStamp"])
        if occurred_at is None:
            yield BadRow(line, "time", "timeStamp is no time: expected ISO 8601")
            continue
        if not row["eventType"].strip():
            yield BadRow(line, "event_type", "eventType is empty")
            continue
        yield _action(seq, line, occurred_at, row, users.of(row["userID"]), seen, clipboards, rules)


def _action(
    seq, line, occurred_at, row: dict[str, str], user: str, seen: Values, clipboards: Clipboards, rules: Rules
) -> Action:
    person = rules.person(user)
    application, action = rules.application(row["targetApp"]), rules.vocabulary.action(row["eventType"])
    sheet = (row["target.workbookName"], row["target.sheetName"])
    cell = cell_place(row["target.id"]) if any(sheet) or application in SPREADSHEETS else None
    page = "" if any(sheet) else page_of(row["url"])
    tag, kind, name, ident = (row[f"target.{part}"] for part in ("tagName", "type", "name", "id"))
    target_row = None
    if cell is not None:
        columns, target_row, is_one = cell
        element_key = rules.key("element", "cell", *sheet, columns)
        label, what = f"column{'' if is_one else 's'} {columns}", "cell" if is_one else "range"
    else:
        stable = tuple(_LONG_NUMBER.sub("#", part) for part in (tag, kind, name, ident))
        if not any(stable):  # a recording without tags: the caption is all that tells one button from another
            stable = (_LONG_NUMBER.sub("#", row["target.innerText"].strip()[:80]),)
        element_key = rules.key("element", "page", page, *stable) if any(stable) else None
        label = rules.label(seen, name, ident)
        what = target_kind(tag, kind) or _other_kind(application, action, sheet, page)

    fact: dict[str, object] = {}
    secret = is_secret(kind, name, ident, row["target.innerText"])
    value = row["content"] or row["target.value"]
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
            row["content"], row["target.value"], row["target.innerText"], row["target.title"], address_words(row["url"])
        ),
        **fact,
    )


def _other_kind(application: str, action: str, sheet: tuple[str, str], page: str) -> str | None:
    if application == "Clipboard":
        return "clipboard"
    if any(sheet):
        return "worksheet"
    if action in _ACTION_KINDS:
        return _ACTION_KINDS[action]
    return "page" if page and action != "other" else None


def value_facts(
    seq: int, action: str, value: str, person: str | None, clipboards: Clipboards, rules: Rules, *, is_hidden: bool
) -> dict[str, object]:
    """Kind, length and relation to the last copies of a value; of a secret only that it is one."""
    if is_hidden:
        return {"value_kind": "secret"}
    stripped = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    facts: dict[str, object] = {"value_kind": value_kind(stripped, rules.vocabulary), "value_length": len(stripped)}
    if action in ENTRIES:
        facts["value_relation"], facts["copy_seq"] = clipboards.relation(person, stripped)
    if action in COPIES:
        clipboards.copied(person, seq, stripped)
    return facts
