"""Settings: everything that differs between two installations, read from the environment once.

Secrets are never read from a file in the project; what Sluice generates lies in SLUICE_HOME, readable by its owner alone.
"""

import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sluice.errors import BadInput

PROJECT = Path(__file__).resolve().parent.parent
_SOURCE_PREFIX, _SOURCE_SUFFIX = "SLUICE_SOURCE_", "_URL"
OPERATIONS = ("SLUICE_ALERT_", "SLUICE_SMTP_", "SLUICE_RETENTION_", "SLUICE_NIGHT_DEADLINE")


@dataclass(frozen=True)
class Settings:
    """One installation's settings.

    home: the one folder of all state. warehouse_url: your own Postgres, or None for the embedded one.
    loader_url, miner_url: the same warehouse under the logins that extractions and mining use (default: warehouse_url).
    airflow_url: the embedded server under the login of Airflow's own database.
    source_urls: system -> connection URL. agent_drop: folder of desktop-agent exports.
    person_map: CSV `person,kind,value`, kind one of erp_login, desktop_login, email.
    operations: the variables of alerts and retention as they are (OPERATIONS), read by sluice.alerts and sluice.retention.
    """

    home: Path
    project: Path = PROJECT
    warehouse_url: str | None = field(default=None, repr=False)
    loader_url: str | None = field(default=None, repr=False)
    miner_url: str | None = field(default=None, repr=False)
    airflow_url: str | None = field(default=None, repr=False)
    source_urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    agent_drop: Path | None = None
    agent_timezone: str = "UTC"
    person_map: Path | None = None
    pseudonym_key_hex: str | None = field(default=None, repr=False)
    operations: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def pseudonym_key(self) -> bytes:
        """The key of all pseudonyms: SLUICE_PSEUDONYM_KEY (hex), else made once under `home`/secrets (mode 0600)."""
        if self.pseudonym_key_hex:
            try:
                key = bytes.fromhex(self.pseudonym_key_hex)
            except ValueError:
                raise BadInput(
                    "SLUICE_PSEUDONYM_KEY: expected hexadecimal digits; make one with "
                    "`python -c 'import secrets; print(secrets.token_hex(32))'`"
                ) from None
            if len(key) < 16:
                raise BadInput(f"SLUICE_PSEUDONYM_KEY: expected at least 32 hexadecimal digits, found {2 * len(key)}")
            return key
        return bytes.fromhex(self.secret("pseudonym_key"))

    def secret(self, name: str) -> str:
        """A secret of 64 hexadecimal digits under `home`/secrets, made at its first use."""
        path = self.home / "secrets" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o700)
            fresh = path.with_name(f"{name}.{os.getpid()}")
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
            try:
                os.link(fresh, path)  # of two processes that make it at once, the first wins
            except FileExistsError:
                path.stat()
            finally:
                fresh.unlink()
        return path.read_text().strip()


def close_home(settings: Settings) -> None:
    """Take from others what an earlier release let them see of the folder of all state, and so of all in it."""
    home = settings.home
    if home.is_dir() and home.stat().st_uid == os.geteuid():
        mode = stat.S_IMODE(home.stat().st_mode)
        closed = mode & (0o711 if os.geteuid() == 0 else 0o700)  # root's PostgreSQL runs as another account
        if closed != mode:
            home.chmod(closed)


def _path(value: str | None) -> Path | None:
    return Path(value).expanduser().resolve() if value else None


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `env` (default: the process's environment)."""
    env = os.environ if env is None else env
    sources = {
        name[len(_SOURCE_PREFIX) : -len(_SOURCE_SUFFIX)].lower(): value
        for name, value in env.items()
        if name.startswith(_SOURCE_PREFIX) and name.endswith(_SOURCE_SUFFIX) and value
    }
    return Settings(
        home=_path(env.get("SLUICE_HOME")) or PROJECT / ".sluice",
        warehouse_url=env.get("SLUICE_WAREHOUSE_URL") or None,
        loader_url=env.get("SLUICE_LOADER_URL") or None,
        miner_url=env.get("SLUICE_MINER_URL") or None,
        source_urls=sources,
        agent_drop=_path(env.get("SLUICE_AGENT_DROP")),
        agent_timezone=env.get("SLUICE_AGENT_TIMEZONE") or "UTC",
        person_map=_path(env.get("SLUICE_PERSON_MAP")),
        pseudonym_key_hex=env.get("SLUICE_PSEUDONYM_KEY") or None,
        operations={name: value for name, value in env.items() if name.startswith(OPERATIONS) and value},
    )
