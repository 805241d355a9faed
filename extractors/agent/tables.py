"""The tables of the agent exports: raw_agent.<format>, what a copy leaves in landing_agent, how to make them."""

import psycopg

from extractors.agent.records import ACTION_COLUMNS, FORMATS
from extractors.raw import missing_indexes

_TYPES = {
    "source_seq": "bigint not null",
    "line": "bigint not null",
    "occurred_at": "timestamptz not null",
    "ended_at": "timestamptz",
    "application": "text not null",
    "action": "text not null",
    "target_row": "bigint",
    "value_length": "bigint",
    "copy_seq": "bigint",
}
COLUMNS = ("file_id", *ACTION_COLUMNS, "derivation_version")
_DECLARED = ", ".join(
    [
        "file_id text not null",
        *(f"{name} {_TYPES.get(name, 'text')}" for name in ACTION_COLUMNS),
        "derivation_version int not null",
    ]
)

_INDEXES = {
    "version": "(_version)",
    "stream": "(stream_key, occurred_at)",
    "document": "(document_ref) where document_ref is not null",
}
_FILES = """file_id text primary key, format text, name_key text not null, byte_count bigint not null,
    state text not null, row_count bigint not null, landed_count bigint not null, quarantined_count bigint not null,
    reason text, derivation_version int not null,
    derivation_key text not null, is_new boolean not null"""


def make_raw(db: psycopg.Connection) -> None:
    """Make raw_agent and its tables if they are not there; a format without files has an empty one."""
    db.execute("create schema if not exists raw_agent")
    for name in FORMATS:
        db.execute(f"""create table if not exists raw_agent.{name} ({_DECLARED}, _version bigint not null,
            _is_deleted boolean not null default false, _loaded_at timestamptz not null default clock_timestamp(),
            primary key (file_id, source_seq))""")
        indexes = {f"{name}_{what}": rows for what, rows in _INDEXES.items()}
        for index in missing_indexes(db, "raw_agent", indexes):
            db.execute(f"create index {index} on raw_agent.{name} {indexes[index]}")
    db.execute(
        """create table if not exists raw_agent._derivations (file_id text primary key, derivation_key text not null,
           first_version bigint not null, _version bigint not null)"""
    )


def make_landing(db: psycopg.Connection) -> None:
    """Make landing_agent anew, empty: a table per format, the files of this copy, and the rows that could not be used.

    `landing_agent._files` holds every file of the folder (is_new: read by this copy, else known), so that the
    gate can warn of those that are refused or empty. `_load` holds the version that the landing belongs to.
    """
    db.execute("create schema if not exists landing_agent")
    for name in (*FORMATS, "_files", "_quarantined_rows", "_load"):
        db.execute(f"drop table if exists landing_agent.{name}")
    for name in FORMATS:
        db.execute(f"create unlogged table landing_agent.{name} ({_DECLARED})")
    db.execute(f"create unlogged table landing_agent._files ({_FILES})")
    db.execute(
        """create unlogged table landing_agent._quarantined_rows
           (format text, file_id text, line bigint, check_name text, reason text)"""
    )
    db.execute("create unlogged table landing_agent._load (version bigint not null, landed_version bigint)")
