"""`sluice psql`: the wheel's psql on the warehouse, with the password in the environment and not in the process list."""

import os
import subprocess

from sluice.settings import Settings
from sluice.warehouse import embedded
from sluice.warehouse.urls import environment_of as connection_environment


def psql(settings: Settings, arguments: list[str]) -> int:
    """Run psql with `arguments` on the warehouse; returns its exit code."""
    from sluice.nights import running_warehouse

    with running_warehouse(settings) as ready:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        command = [str(embedded.binary("psql")), *arguments]
        return subprocess.run(command, env=environment | connection_environment(ready.warehouse_url)).returncode
