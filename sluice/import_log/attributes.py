"""Attributes of cases: which are personal, what their columns are called, and which type they have.

A column is a case's attribute when it has one value (or none) in every case. Types are read off the values where the
format declares none, never for what looks like an id.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_TEXT = 200  # characters; longer texts are prose, and prose names people


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# words in the name of a column that say that it holds people, unless another one says that it does not
_PERSONAL = _words("""
    resource user username login owner responsible employee agent clerk assignee assigned person people email mail phone
    telephone mobile name firstname lastname surname author creator createdby changedby approver requester requestor
    customer contact patient applicant supervisor manager operator member staff worker birthdate ssn iban address
    street""")
_NOT_A_PERSON = _words("per type count group role department team level section class category kind unit")
_A_THING = _words("product file company vendor item system application process activity task")  # "product name" is none
_KNOWN = _words("creator concept:name")  # of XES logs: the program that wrote it, the name of the case
_IDS = _words("id ids key code no nr num number index zip postcode phone iban account")
_EMAIL = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]")

_INTEGER = r"^-?(0|[1-9][0-9]{0,17})$"
_DECIMAL = r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})$"
_NAIVE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?$"
# type -> condition on a text @, in the order in which they are tried
CONDITIONS = {
    "boolean": "lower(@) in ('true', 'false')",
    "bigint": "@ ~ '" + _INTEGER + "'",
    "double precision": "@ ~ '" + _DECIMAL + "'",
    "date": "@ ~ '" + _DATE + "' and pg_input_is_valid(@, 'date')",
    "timestamptz": "@ ~ '" + _MOMENT + "' and pg_input_is_valid(@, 'timestamptz')",
    "naive": "@ ~ '" + _NAIVE + "' and pg_input_is_valid(@, 'timestamptz')",
}
_WIDER = {
    "bigint": ("bigint", "double precision"),
    "boolean": ("boolean",),
    "double precision": ("double precision",),
    "timestamptz": ("timestamptz",),
    "text": (),
}


@dataclass(frozen=True)
class Attribute:
    """An attribute of the case: its name in the file, its value as an SQL expression of text, its possible types."""

    name: str
    expression: str
    types: tuple[str, ...]


def words(name: str) -> list[str]:
    """The words of a column's name.

    >>> words("org:resource"), words("createdBy"), words("Assigned_To")
    (['org', 'resource'], ['created', 'by'], ['assigned', 'to'])
    """
    return [word.casefold() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", name)]


def is_personal(name: str) -> bool:
    """Whether a column of this name is taken to hold people, so that its values become pseudonyms.

    >>> is_personal("org:resource"), is_personal("E-Mail"), is_personal("Amount"), is_personal("org:role")
    (True, True, False, False)
    """
    if name in _KNOWN:
        return False
    parts = set(words(name))
    if parts & _NOT_A_PERSON:
        return False
    if parts & _A_THING:
        return bool({"user", "resource", "owner", "email"} & parts)
    return bool(_PERSONAL & parts) or "".join(words(name)) in _PERSONAL


def holds_email(value: str) -> bool:
    """Whether there is an e-mail address in a text.

    >>> holds_email("ask ada@example.org"), holds_email("3 @ 5.00")
    (True, False)
    """
    return "@" in value and _EMAIL.search(value) is not None


def looks_like_id(name: str) -> bool:
    """Whether a column of this name holds ids, which stay text: `007` is not 7."""
    return bool(_IDS & set(words(name)))


def possible_types(name: str, declared: str | None) -> tuple[str, ...]:
    """The types to try for an attribute, best first; if none holds it is text. declared: by the file's format."""
    if declared is not None:
        return _WIDER.get(declared, ())
    return () if looks_like_id(name) else ("boolean", "bigint", "double precision", "date", "timestamptz", "naive")


def column_names(names: Iterable[str]) -> dict[str, str]:
    """A column for each attribute: lower case, ASCII, at most 50 characters, each once, none that the table has.

    >>> list(column_names(["org:group", "AMOUNT_REQ", "org group", "case_id", "1st"]).values())
    ['org_group', 'amount_req', 'org_group_2', 'case_id_2', 'a_1st']
    """
    taken = {"process", "case_id", "case_key"}
    found = {}
    for name in names:
        ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        stem = re.sub(r"[^a-z0-9]+", "_", ascii_name.lower()).strip("_")[:50].rstrip("_") or "attribute"
        if stem[0].isdigit():
            stem = f"a_{stem}"[:50]
        column, number = stem, 2
        while column in taken:
            column, number = f"{stem}_{number}", number + 1
        taken.add(column)
        found[name] = column
    return found
