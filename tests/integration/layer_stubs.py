"""Stand-ins for the layers below the DAGs, so that the tests of the orchestration test the orchestration alone.

Copied as airflow_local_settings.py into an Airflow home, where every process of Airflow imports it. What they are asked to
do is written down in the table `calls`; what they shall do wrong is read from the table `faults`.
"""

import sys
import time
import types
from datetime import UTC, datetime


def _module(name: str, **functions: object) -> None:
    module = types.ModuleType(name)
    module.__dict__.update(functions)
    sys.modules[name] = module


def _call(settings, step: str, subject: str, ctx=None) -> None:
    from sluice.errors import Blocked
    from sluice.warehouse import connect

    with connect(settings.warehouse_url) as db:
        db.execute(
            "insert into calls (step, subject, day, mode, window_start, window_end, at) values (%s, %s, %s, %s, %s, %s, %s)",
            (
                step,
                subject,
                ctx and ctx.day,
                ctx and ctx.mode,
                ctx and ctx.window_start,
                ctx and ctx.window_end,
                datetime.now(UTC),
            ),
        )
        fault = db.execute(
            """update faults set times = times - 1 where step = %s and subject = %s and times > 0 returning kind""",
            (step, subject),
        ).fetchone()
    if fault == ("blocked",):
        raise Blocked(f"{subject}: {step} found what must not be: repair it")
    if fault == ("lost",):
        import psycopg

        raise psycopg.OperationalError("server closed the connection unexpectedly")
    if fault == ("broken",):
        raise ValueError("a bug")
    if fault == ("slow",):
        time.sleep(600)


def _copy(settings, system, ctx):
    from sluice.warehouse import connect

    _call(settings, "copy", system, ctx)
    with connect(settings.warehouse_url) as db:
        row = db.execute(
            "insert into ops.loads (run_id, system, mode, state) values (%s, %s, %s, 'copied') returning version",
            (ctx.run_id, system, ctx.mode),
        ).fetchone()
    time.sleep(0.2)
    return row[0]


def _land(settings, system, version, ctx):
    from sluice.warehouse import connect

    _call(settings, "land", system, ctx)
    with connect(settings.warehouse_url) as db:
        db.execute("update ops.loads set state = 'landed' where version = %s", (version,))


_module("extractors.pipeline", copy=_copy, land=_land)
_module("expectations.landing", gate_landing=lambda s, system, version, ctx: _call(s, "gate", system, ctx))
_module("expectations.candidate", gate_candidate=lambda s, process, ctx: _call(s, "gate", process, ctx))
_module("expectations.mining", gate_mining=lambda s, process, ctx: _call(s, "gate_results", process, ctx))
_module("mining_tasks.runner", mine=lambda s, process, ctx: _call(s, "mine", process, ctx))
_module("sluice.publish", publish=lambda s, process, ctx: _call(s, "publish", process, ctx))
_module(
    "sluice.transform",
    stage=lambda s, system: _call(s, "stage", system),
    build_bi=lambda s: None,
    build=lambda s, process, ctx: _call(s, "build", process, ctx),
)
