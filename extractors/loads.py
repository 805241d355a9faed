"""The record of loads in ops.loads: begun by a copy, claimed and finished by a land, or blocked.

A load's version stamps the raw rows that it changes; whoever reads raw trusts that a version, once passed, stays
complete.
"""

from datetime import datetime

import psycopg

from sluice.errors import Blocked
from sluice.runs import RunContext
from sluice.warehouse import connect


def begin_load(db: psycopg.Connection, system: str, ctx: RunContext, *, mode: str, snapshot_at: datetime | None) -> int:
    """Record a load as copied (with the caller's transaction) and discard what was copied before and never landed."""
    db.execute("delete from ops.loads where system = %s and state = 'copied'", (system,))
    return db.execute(
        """insert into ops.loads (run_id, system, mode, window_start, window_end, source_snapshot_at, state)
           values (%s, %s, %s, %s, %s, %s, 'copied') returning version""",
        (
            ctx.run_id,
            system,
            mode,
            ctx.window_start if mode == "window" else None,
            ctx.window_end if mode == "window" else None,
            snapshot_at,
        ),
    ).fetchone()[0]


def block_load(url: str, system: str, ctx: RunContext, message: str) -> None:
    """Record a load that a source check refused, also as a result of the gate: it is the check before all others."""
    with connect(url) as db:
        db.execute(
            """insert into ops.loads (run_id, system, mode, window_start, window_end, state, finished_at, message)
               values (%s, %s, %s, %s, %s, 'blocked', clock_timestamp(), %s)""",
            (ctx.run_id, system, ctx.mode, ctx.window_start, ctx.window_end, message),
        )
        db.execute(
            """insert into quality.check_results (run_id, subject, layer, check_name, severity, is_success,
                                                  unexpected_count, message, dimension)
               values (%s, %s, 'landing', 'source_readable', 'block', false, 1, %s, 'structure')
               on conflict (run_id, subject, layer, check_name) do update
               set (is_success, unexpected_count, message, checked_at) =
                   (excluded.is_success, excluded.unexpected_count, excluded.message, excluded.checked_at)""",
            (ctx.run_id, system, f"source_readable: expected the source as it is declared; found {message}"),
        )


def refuse_blocked(db: psycopg.Connection, system: str, version: int) -> None:
    """Blocked when the gate, or anything else, has taken load `version` out of the way."""
    row = db.execute("select state, message from ops.loads where version = %s", (version,)).fetchone()
    if row is None or row[0] != "copied":
        why = f": {row[1]}" if row and row[1] else ""
        raise Blocked(f"{system}: load {version} was blocked and does not land{why}: repair it and copy again")


def lock_raw(db: psycopg.Connection, system: str) -> None:
    """Keep builds (which share this lock) out of `raw_<system>` until the transaction ends."""
    db.execute("select pg_advisory_xact_lock(hashtext(%s))", (f"sluice:raw:{system}",))


def landed_version(db: psycopg.Connection, system: str) -> int:
    """The version of the system's load that landed last; 0 when none has. Raw is as it was as long as it is the same."""
    return db.execute(
        "select coalesce(max(version), 0) from ops.loads where system = %s and state = 'landed'", (system,)
    ).fetchone()[0]


def current_version(db: psycopg.Connection, version: int) -> int:
    """The version that the load lands with: its own, or a fresh one when a later load of any system has landed already.

    A process that reads several systems has then looked at everything up to the later version, and would never look
    at an earlier one again. To be called under `lock_raw`.
    """
    later = db.execute(
        "select exists (select 1 from ops.loads where version > %s and state = 'landed')", (version,)
    ).fetchone()[0]
    if not later:
        return version
    return db.execute(
        "update ops.loads set version = default where version = %s returning version", (version,)
    ).fetchone()[0]
