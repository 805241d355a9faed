"""The environment of Airflow's processes: Sluice's settings for the tasks, and an Airflow that starts fast and phones nobody.

Airflow is configured through variables alone; AIRFLOW_HOME holds its logs, its password file and nothing to edit.
"""

import base64
import os
from collections.abc import Mapping
from pathlib import Path

from sluice.errors import BadInput
from sluice.settings import Settings
from sluice.urls import with_database

QUIET = {
    "GX_ANALYTICS_ENABLED": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "SCARF_ANALYTICS": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}
USER = "admin"


def airflow_home(settings: Settings) -> Path:
    return settings.home / "airflow"


def password_file(settings: Settings) -> Path:
    return airflow_home(settings) / "password.json"


def sluice_environment(settings: Settings) -> dict[str, str]:
    """The variables from which sluice.settings.load_settings makes `settings` again, in a task."""
    environment = {"SLUICE_HOME": str(settings.home), "SLUICE_AGENT_TIMEZONE": settings.agent_timezone}
    optional = {
        # where there are logins for each work, no task sees the one that may do everything
        "SLUICE_WAREHOUSE_URL": settings.miner_url
        if settings.loader_url and settings.miner_url
        else settings.warehouse_url,
        "SLUICE_LOADER_URL": settings.loader_url,
        "SLUICE_MINER_URL": settings.miner_url,
        "SLUICE_AGENT_DROP": settings.agent_drop and str(settings.agent_drop),
        "SLUICE_PERSON_MAP": settings.person_map and str(settings.person_map),
        "SLUICE_PSEUDONYM_KEY": settings.pseudonym_key_hex,
    }
    environment |= {name: value for name, value in optional.items() if value}
    environment |= settings.operations
    return environment | {f"SLUICE_SOURCE_{system.upper()}_URL": url for system, url in settings.source_urls.items()}


def airflow_database_url(settings: Settings, environment: Mapping[str, str] | None = None) -> str:
    """Where Airflow keeps its own state: SLUICE_AIRFLOW_DB_URL, else the database `airflow` beside the warehouse."""
    own = (os.environ if environment is None else environment).get("SLUICE_AIRFLOW_DB_URL")
    if own:
        return own
    if settings.warehouse_url is None:
        raise BadInput("Airflow needs a database: start the warehouse first, or set SLUICE_AIRFLOW_DB_URL")
    return with_database(settings.airflow_url or settings.warehouse_url, "airflow")


def _with_driver(url: str, driver: str) -> str:
    scheme, rest = url.split("://", 1)
    if scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise BadInput(f"SLUICE_AIRFLOW_DB_URL: expected postgresql://…, found {scheme}://…")
    return f"postgresql+{driver}://{rest}"


def _fernet_key(settings: Settings) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(settings.secret("airflow_fernet_key"))).decode()


def airflow_environment(
    settings: Settings,
    *,
    port: int,
    is_scheduled: bool,
    parallelism: int = 4,
    inherited: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The whole environment of Airflow's processes.

    port: of the API server, on loopback. is_scheduled: whether the nightly schedule is live (else runs are only triggered).
    inherited: what to build on (default: ours) without any setting of another Airflow or Sluice.
    """
    home, database = airflow_home(settings), airflow_database_url(settings)
    base = f"http://127.0.0.1:{port}"
    kept = {
        name: value
        for name, value in (os.environ if inherited is None else inherited).items()
        if name == "SLUICE_DBT_PARSED"
        or (not name.startswith(("AIRFLOW_", "SLUICE_")) and name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH"))
    }
    no_proxy = ",".join(filter(None, (kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1,localhost")))
    sections = {
        "core": {
            "dags_folder": settings.project / "dags",
            "plugins_folder": home / "plugins",
            "load_examples": False,
            "executor": "LocalExecutor",
            "parallelism": parallelism,
            "mp_start_method": "fork",
            "default_timezone": "utc",
            "max_active_runs_per_dag": 1,
            "fernet_key": _fernet_key(settings),
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": password_file(settings),
            "execution_api_server_url": f"{base}/execution/",
        },
        "api": {
            "host": "127.0.0.1",
            "port": port,
            "base_url": f"{base}/",
            "workers": 1,
            "secret_key": settings.secret("airflow_secret_key"),
            "instance_name": "Sluice",
        },
        "api_auth": {"jwt_secret": settings.secret("airflow_jwt_secret")},
        "database": {
            "sql_alchemy_conn": _with_driver(database, "psycopg"),
            "sql_alchemy_conn_async": _with_driver(database, "psycopg_async"),
        },
        "scheduler": {
            # no dead waiting: a finished task's successor starts within a fraction of a second
            "scheduler_idle_sleep_time": 0.1,
            "scheduler_heartbeat_sec": 2,
            "job_heartbeat_sec": 2,
            "orphaned_tasks_check_interval": 60,
            "enable_health_check": False,
        },
        "dag_processor": {
            "parsing_processes": 1,
            "min_file_process_interval": 60,
            "refresh_interval": 60,
            "bundle_refresh_check_interval": 5,
        },
        "logging": {
            "base_log_folder": home / "logs",
            "file_task_handler_new_folder_permissions": "0o700",
            "file_task_handler_new_file_permissions": "0o600",
            "dag_processor_child_process_log_directory": home / "logs" / "dag_processor",
            "colored_console_log": False,
        },
    }
    airflow = {
        f"AIRFLOW__{section.upper()}__{option.upper()}": str(value)
        for section, options in sections.items()
        for option, value in options.items()
    }
    return {
        **kept,
        **QUIET,
        **airflow,
        **sluice_environment(settings),
        "AIRFLOW_HOME": str(home),
        "SLUICE_NIGHTLY": "on" if is_scheduled else "off",
        "SLUICE_DBT_FORK": "1",  # the scheduler has imported dbt for its tasks
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }
