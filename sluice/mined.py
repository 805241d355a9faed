"""How much of the mining results a night must compute and write: all, per case the touched cases only, or nothing.

Whoever mines decides it and leaves it in candidate.<process>__mined (one row) for publishing.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from expectations.build import exists, read_build

LIBRARIES = ("polars", "narwhals", "numpy", "scipy", "scikit-learn")  # whose versions may move a figure
WHOLE, TOUCHED, UNCHANGED = "whole", "touched", "unchanged"
# the tables of schema mining whose rows are of one case each, and of nothing but that case
PER_CASE = ("case_kpis", "case_times", "due_dates", "violations", "obligations")


@dataclass(frozen=True)
class Mined:
    """What candidate.<process>__mining_* hold.

    scope: `whole`: every table as it will be. `touched`: so, but the tables per case (`PER_CASE`) hold touched cases
    only. `unchanged`: the log is as published and was mined in the same way: only process_kpis (its as_of) is there.
    fingerprint: of the code and the parameters of mining. kept_rows: token of the files that hold the rows of the log as it
    will be published (`mining_tasks.kept_rows`); None: there are none.
    """

    run_id: str
    scope: str
    fingerprint: str
    kept_rows: str | None = None


def plan(db: psycopg.Connection, process: str, run_id: str, parameters: tuple) -> Mined:
    """What mining must make for the candidate of `process`; `parameters`: what else decides the results. kept_rows is that
    of what is published, where mining may build on it.
    """
    fingerprint = _fingerprint(parameters)
    build = read_build(db, process)
    before = db.execute(
        """select mining_fingerprint, kept_rows from ops.process_state where process = %(process)s
           and exists (select from mining.process_kpis where process = %(process)s)""",
        {"process": process},
    ).fetchone()
    touched, quarantined = (
        exists(db, "candidate", f"{process}__{table}") for table in ("touched_cases", "quarantined")
    )
    if (
        build is None
        or build.is_full_rebuild
        or before is None
        or before[0] != fingerprint
        or not (touched and quarantined)
    ):
        return Mined(run_id, WHOLE, fingerprint)
    changes = db.execute(
        sql.SQL(
            """select exists (select from event_log.cases as c inner join {touched} as t on c.case_id = t.case_id
                              where c.process = %s)
               or exists (select from {cases} as c
                          where not exists (select from {quarantined} as q where q.case_id = c.case_id))"""
        ).format(
            touched=sql.Identifier("candidate", f"{process}__touched_cases"),
            cases=sql.Identifier("candidate", f"{process}__cases"),
            quarantined=sql.Identifier("candidate", f"{process}__quarantined"),
        ),
        (process,),
    ).fetchone()[0]
    return Mined(run_id, TOUCHED if changes else UNCHANGED, fingerprint, before[1])


def read_mined(db: psycopg.Connection, process: str, run_id: str) -> Mined | None:
    """What the run's mining left; None where it left no note: then its tables are whole."""
    if not exists(db, "candidate", f"{process}__mined"):
        return None
    with db.cursor(row_factory=class_row(Mined)) as cursor:
        return cursor.execute(
            sql.SQL("select * from {} where run_id = %s").format(sql.Identifier("candidate", f"{process}__mined")),
            (run_id,),
        ).fetchone()


def _fingerprint(parameters: tuple) -> str:
    """Hash of the code that mines, of the libraries that it computes with, and of `parameters`."""
    folder = Path(__file__).resolve().parent.parent
    digest = sha256(repr((parameters, [version(name) for name in LIBRARIES])).encode())
    for path in [*sorted((folder / "mining_tasks").rglob("*.py")), folder / "sluice" / "keys.py"]:
        content = path.read_bytes()
        digest.update(f"\x1f{path.name}\x1f{len(content)}\x1f".encode() + content)
    return digest.hexdigest()[:32]
