"""Reading one file into the landing: its format, columns, times and people, as declared on the command line."""

import argparse
from dataclasses import dataclass

import psycopg

from sluice.errors import BadInput
from sluice.import_log import csv as csv_log
from sluice.import_log.attributes import Attribute, possible_types
from sluice.import_log.candidate import case_attributes_of_columns, case_attributes_of_traces
from sluice.import_log.files import LogFile
from sluice.import_log.landing import Found, Landing
from sluice.import_log.mapping import csv_mapping, xes_mapping
from sluice.import_log.times import TimeReader, zone
from sluice.import_log.xes import XesReader
from sluice.pseudonyms import Pseudonymiser, load_person_map
from sluice.settings import Settings

_COLUMN_OPTIONS = {
    "case": "case",
    "activity": "activity",
    "timestamp": "timestamp",
    "start": "start_timestamp",
    "resource": "resource",
    "lifecycle": "lifecycle_column",
}


@dataclass(frozen=True)
class Reading:
    """A file whose rows have landed in `pg_temp.import_events`.

    mapping: what was taken for what, as a sentence. notes: lines for the user.
    """

    attributes: list[Attribute]
    found: Found
    mapping: str
    notes: list[str]


def read_log(db: psycopg.Connection, file: LogFile, args: argparse.Namespace, settings: Settings) -> Reading:
    """Land the rows of `file` as the options `args` say; raises BadInput where file and options do not fit."""
    people = Pseudonymiser(settings.pseudonym_key, load_person_map(settings.person_map))
    times = TimeReader(zone(args.timezone), args.timestamp_format)
    read = _read_xes if file.format == "xes" else _read_csv
    attributes, landing, mapping, varying, notes = read(db, file, args, people, times)
    attributes = [
        Attribute(one.name, one.expression, ()) if one.name in landing.hidden else one
        for one in attributes
        if one.name not in landing.free_text
    ]
    found = landing.found
    found.counts["events"] = db.execute("select count(*) from pg_temp.import_events").fetchone()[0]
    if found.counts["events"] == 0:
        raise BadInput(f"{file.path}: {_nothing(found)}")
    notes += _notes(landing, varying - landing.free_text, times, args.timezone)
    return Reading(attributes, found, mapping, notes)


def _declared(args: argparse.Namespace) -> dict[str, str | None]:
    return {part: getattr(args, option) for part, option in _COLUMN_OPTIONS.items()}


def _privacy(args: argparse.Namespace) -> dict[str, frozenset[str]]:
    return {"plain": frozenset(args.not_personal), "personal": frozenset(args.personal)}


def _read_xes(
    db: psycopg.Connection, file: LogFile, args: argparse.Namespace, people: Pseudonymiser, times: TimeReader
) -> tuple[list[Attribute], Landing, str, set[str], list[str]]:
    with Landing(db, people, where=str(file.path), **_privacy(args)) as landing:
        reader = XesReader(file, xes_mapping(_declared(args)), times, landing, classifier=args.classifier)
        reader.read()
    case_attributes_of_traces(db)
    types = reader.case_attributes()
    attributes = [
        Attribute(name, f"attributes->>{_quoted(name)}", possible_types(name, types[name])) for name in sorted(types)
    ]
    return attributes, landing, reader.mapping_found().sentence(), reader.varying, []


def _read_csv(
    db: psycopg.Connection, file: LogFile, args: argparse.Namespace, people: Pseudonymiser, times: TimeReader
) -> tuple[list[Attribute], Landing, str, set[str], list[str]]:
    header = csv_log.read_header(file, separator=_separator(args.separator), encoding=args.encoding)
    where = f"{file.path}: line 1 (separator: {header.separator_name})"
    mapping = csv_mapping(header.columns, _declared(args), where=where)
    extra = list(csv_log.extra_columns(header, mapping))
    with Landing(db, people, extra, where=str(file.path), **_privacy(args)) as landing:
        csv_log.read_csv(file, header, mapping, times, landing)
    constant = case_attributes_of_columns(db, extra)
    attributes = [Attribute(name, f"x{extra.index(name)}", possible_types(name, None)) for name in constant]
    note = f"separator: {header.separator_name}{' (guessed)' if header.is_guessed else ''}"
    return attributes, landing, mapping.sentence(), set(extra) - set(constant), [note]


def _notes(landing: Landing, varying: set[str], times: TimeReader, timezone: str | None) -> list[str]:
    notes = []
    if landing.hidden:
        names = ", ".join(sorted(landing.hidden))
        notes.append(f"pseudonyms, since they look personal: {names} (--not-personal keeps one as it is)")
    if landing.free_text:
        notes.append(f"not kept, since they hold long texts: {', '.join(sorted(landing.free_text))}")
    if varying:
        notes.append(f"not kept, since they vary within a case: {', '.join(sorted(varying))}")
    if times.doubled_count:
        notes.append(
            f"{times.doubled_count:,} times are in an hour that {timezone} has twice: read as the first of them"
        )
    if times.skipped_count:
        notes.append(f"{times.skipped_count:,} times are in an hour that {timezone} skips: moved on by the gap")
    return notes


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _separator(declared: str | None) -> str | None:
    if declared is None:
        return None
    named = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "\\t": "\t"}.get(declared.lower(), declared)
    if len(named) != 1 or named in '\x00\r\n"':
        raise BadInput(f"--separator {declared!r}: expected one character, or comma, semicolon, tab, pipe")
    return named


def _nothing(found: Found) -> str:
    if found.rejects:
        return f"no row can be used, {len(found.rejects):,} were set aside; the first: {found.rejects[0][2]}"
    return "there is no event in it"
