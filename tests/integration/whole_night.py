"""`python -m tests.integration.whole_night DAY THREADS SYSTEM,… PROCESS,…`: a full night in a process of its own, so that its
environment (hash seed, threads, time zone) can be chosen; settings as a task finds them. dbt has THREADS threads."""

import functools
import os
import sys
from datetime import date

from tests.integration.kills import tasks


def main(day: str, threads: str, systems: str, processes: str) -> None:
    os.environ.setdefault("SLUICE_DBT_FORK", "1")
    import dbt.cli.main  # noqa: F401 - imported once, so that every dbt is a fork

    from sluice import transform

    transform.run_dbt = functools.partial(transform.run_dbt, threads=int(threads))
    for system in systems.split(","):
        version = None
        for step in tasks.EXTRACT_STEPS:
            version = (
                tasks.run_step("extract", system, step, date.fromisoformat(day), "night", {"full": True}, version)
                or version
            )
    for process in processes.split(","):
        for step in tasks.MINE_STEPS:
            tasks.run_step("mine", process, step, date.fromisoformat(day), "night", {"full": True}, None)


if __name__ == "__main__":
    main(*sys.argv[1:])
