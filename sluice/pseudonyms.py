"""Keyed pseudonyms: one person is one pseudonym, whatever system names him or her.

A person map (ERP login, desktop login, e-mail -> person) is applied before hashing; HMAC-SHA256 (RFC 2104), so that
without the key nobody can go from a name to its pseudonym by trying names.
"""

import csv
import hmac
from collections.abc import Mapping
from pathlib import Path

from sluice.errors import BadInput

KINDS = ("erp_login", "desktop_login", "email")
_COLUMNS = ("person", "kind", "value")


def load_person_map(path: Path | None) -> dict[tuple[str, str], str]:
    """Read a person map CSV with the columns person, kind, value; returns (kind, casefolded value) -> person.

    Raises BadInput naming file, row and column.
    """
    if path is None:
        return {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, strict=True)
            names = rows.fieldnames or ()
            if twice := sorted({name for name in _COLUMNS if names.count(name) > 1}):
                raise BadInput(f"{path}: row 1: column {twice[0]} is there more than once: keep one")
            missing = set(_COLUMNS) - set(names)
            if missing:
                raise BadInput(
                    f"{path}: row 1: column {', '.join(sorted(missing))} is missing: expected person,kind,value"
                )
            return _read_rows(path, rows)
    except OSError as error:
        raise BadInput(f"{path}: the person map cannot be read ({error.strerror}): mend SLUICE_PERSON_MAP") from error
    except csv.Error as error:
        raise BadInput(f"{path}: the person map is no CSV ({error}): is a quote left open? save it as CSV") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: the person map is not UTF-8 (byte {error.start}): save it as UTF-8") from error


def _read_rows(path: Path, rows: csv.DictReader) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for row in rows:
        where = f"{path}: row {rows.line_num}"
        if None in row or None in row.values():
            raise BadInput(
                f"{where}: expected {len(rows.fieldnames)} fields, as the first row has: is a comma unquoted?"
            )
        person, kind, value = ((row.get(name) or "").strip() for name in ("person", "kind", "value"))
        for name, text in (("person", person), ("value", value)):
            if "\x00" in text:
                raise BadInput(f"{where}: column {name} holds a NUL character: save the file as text")
            if not text:
                raise BadInput(f"{where}: column {name} is empty: give a value or delete the row")
        if kind not in KINDS:
            raise BadInput(f"{where}: column kind: expected one of {', '.join(KINDS)}")
        if found.setdefault((kind, value.casefold()), person) != person:
            raise BadInput(f"{where}: column value: this {kind} is already another person's: keep one of the two rows")
    return found


class Pseudonymiser:
    """Turns identities into pseudonyms.

    >>> keyed = Pseudonymiser(b"0" * 32, {("erp_login", "ada"): "7", ("desktop_login", "al"): "7"})
    >>> keyed.person("erp_login", "Ada") == keyed.person("desktop_login", "AL")
    True
    """

    def __init__(self, key: bytes, person_map: Mapping[tuple[str, str], str] | None = None):
        self._key = key
        self._map = dict(person_map or {})

    def _digest(self, domain: str, value: str) -> str:
        return hmac.digest(self._key, f"{domain}\x1f{value}".encode(), "sha256").hex()[:16]

    def person(self, kind: str, value: str) -> str:
        """`p_` and 16 hexadecimal digits. Without an entry in the map the login itself is the identity, so that the same
        login in two systems is one person."""
        folded = value.strip().casefold()
        mapped = self._map.get((kind, folded))
        return "p_" + (self._digest("mapped person", mapped) if mapped is not None else self._digest("login", folded))

    def opaque(self, kind: str, value: str) -> str:
        """`k_` and 16 hexadecimal digits: a keyed hash of anything that must be told apart but not read."""
        return "k_" + self._digest(kind, value)
