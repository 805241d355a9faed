"""`sluice psql`: the wheel's psql on the warehouse, with the password in the environment and not in the process list."""

import os
import shutil
import subprocess

from sluice.errors import SluiceError
from sluice.settings import Settings
from sluice.urls import environment_of as connection_environment
from sluice.warehouse import embedded


def psql(settings: Settings, arguments: list[str]) -> int:
    """Run psql with `arguments` on the warehouse; returns its exit code."""
    from sluice.nights import running_warehouse

    with running_warehouse(settings) as ready:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment |= connection_environment(ready.warehouse_url)
        return subprocess.run([_program(environment), *arguments], env=environment).returncode


def _program(environment: dict[str, str]) -> str:
    """The wheel's psql; where the URL asks for TLS, which that one lacks, the system's."""
    if environment.get("PGSSLMODE", "prefer") in ("disable", "allow", "prefer"):
        return str(embedded.binary("psql"))
    found = shutil.which("psql")
    if found is None:
        raise SluiceError(
            "the warehouse's URL asks for TLS, and the psql that comes with the embedded PostgreSQL is built without it: "
            "install PostgreSQL's client programs (psql), then run again"
        )
    return found
