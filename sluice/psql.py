"""`sluice psql`: the wheel's psql on the warehouse, with the password in the environment and not in the process list."""

import os
import subprocess
from urllib.parse import unquote, urlsplit

from sluice.settings import Settings
from sluice.warehouse import embedded


def connection_environment(url: str) -> dict[str, str]:
    """The PG* variables that say the same as `url` (libpq's names)."""
    parts = urlsplit(url)
    found = {
        "PGHOST": parts.hostname,
        "PGPORT": parts.port,
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
        "PGDATABASE": parts.path.lstrip("/"),
    }
    return {name: unquote(str(value)) for name, value in found.items() if value}


def psql(settings: Settings, arguments: list[str]) -> int:
    """Run psql with `arguments` on the warehouse; returns its exit code."""
    from sluice.nights import running_warehouse

    with running_warehouse(settings) as ready:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        command = [str(embedded.binary("psql")), *arguments]
        return subprocess.run(command, env=environment | connection_environment(ready.warehouse_url)).returncode
