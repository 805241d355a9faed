"""What a finished step has to say of itself in ops: rows in and out, and for the run its parameters and fingerprint.

Read from what the step left in the warehouse; docs/operations.md says what is counted, step by step.
"""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from sluice.runs import StepRecord

_EXTRACTORS = Path(__file__).resolve().parent.parent / "extractors"


def fill_in(db: psycopg.Connection, kind: str, run_id: str, subject: str, step: str, record: "StepRecord") -> None:
    """Complete the `record` of a step that is done; what the step said itself stays."""
    if kind == "extract":
        _extraction(db, run_id, subject, step, record)
    else:
        _process(db, run_id, subject, step, record)


def _say(record: "StepRecord", rows_in: int | None, rows_out: int | None) -> None:
    if record.rows_in is None and record.rows_out is None:
        record.rows_in, record.rows_out = rows_in, rows_out


def _extraction(db: psycopg.Connection, run_id: str, system: str, step: str, record: "StepRecord") -> None:
    load = db.execute(
        """select read_count, quarantined_count, inserted_count + updated_count + deleted_count, version, mode
           from ops.loads where run_id = %s and system = %s order by version desc limit 1""",
        (run_id, system),
    ).fetchone()
    if load is None:
        return
    read, quarantined, changed, version, mode = load
    usable = read - quarantined
    counts = {"copy": (read, usable), "gate": (usable, usable), "land": (read, changed), "stage": (changed, changed)}
    _say(record, *counts.get(step, (None, None)))
    if step == "copy":
        record.fingerprint = _declaration(system)
        record.parameters |= {"mode_done": mode}
    elif step == "land":
        record.parameters |= {"version": version}


def _declaration(system: str) -> str | None:
    """Hash of what an extractor is: its table specs, or the code of its own pipeline."""
    folder = _EXTRACTORS / system
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".yml", ".py"))
    digest = sha256()
    for path in paths:
        digest.update(f"{path.relative_to(folder)}\x1f".encode() + path.read_bytes() + b"\x1f")
    return digest.hexdigest()[:32] if paths else None


def _process(db: psycopg.Connection, run_id: str, process: str, step: str, record: "StepRecord") -> None:
    build = _one(
        db,
        "select touched_case_count, event_count, is_full_rebuild, gated_version, upto_version, fingerprint from {} "
        "where run_id = {}",
        f"{process}__build",
        run_id,
    )
    if build is None:
        return
    touched, events, is_full, gated, upto, fingerprint = build
    if step == "build":
        _say(record, touched, events)
        record.fingerprint = fingerprint
        record.parameters |= {"is_full_rebuild": is_full, "gated_version": gated, "upto_version": upto}
    elif step == "gate":
        held = _one(
            db,
            "select coalesce(sum(event_count), 0)::bigint from candidate.{} as cases "
            "where exists (select from {} as q where q.case_id = cases.case_id)",
            f"{process}__quarantined",
            cases=f"{process}__cases",
        )
        _say(record, events, events - held[0] if held else None)
    elif step in ("mine", "gate_results"):
        results = _result_rows(db, process)
        mined = _one(db, "select max(event_count) from {}", f"{process}__mining_process_kpis")
        _say(record, *((mined and mined[0], results) if step == "mine" else (results, results)))
    elif step == "publish":
        held = _one(db, "select count(distinct case_id) from {}", f"{process}__quarantined")
        record.parameters |= {"quarantined_count": held[0] if held else 0}


def _one(
    db: psycopg.Connection, query: str, table: str, *values: object, cases: str | None = None
) -> tuple[int, ...] | None:
    """The row of a query over candidate.<table>; None where there is no such table or row."""
    if db.execute("select to_regclass(format('candidate.%%I', %s::text))", (table,)).fetchone()[0] is None:
        return None
    parts: list[sql.Composable] = [sql.Identifier(cases)] if cases else []
    parts += [sql.Identifier("candidate", table), *(sql.Literal(value) for value in values)]
    return db.execute(sql.SQL(query).format(*parts)).fetchone()


def _result_rows(db: psycopg.Connection, process: str) -> int:
    """Rows of all candidate mining tables of a process."""
    tables = [
        name
        for (name,) in db.execute(
            """select relname::text from pg_class where relnamespace = 'candidate'::regnamespace and relkind = 'r'
               and starts_with(relname::text, %s) order by relname""",
            (f"{process}__mining_",),
        )
    ]
    counts = (
        db.execute(sql.SQL("select count(*) from {}").format(sql.Identifier("candidate", name))) for name in tables
    )
    return sum(count.fetchone()[0] for count in counts)
