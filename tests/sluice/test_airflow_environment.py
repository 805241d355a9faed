"""The environment that Airflow's processes get: the same settings for the tasks, a hermetic and quiet Airflow."""

from pathlib import Path

import pytest
import yaml

from sluice.airflow_environment import airflow_database_url, airflow_environment, sluice_environment
from sluice.errors import BadInput
from sluice.settings import Settings, load_settings


@pytest.fixture
def full(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home",
        warehouse_url="postgresql://loader:s%40cret@db:5433/company?sslmode=require",
        source_urls={"odoo": "postgresql://reader:x@erp/odoo"},
        agent_drop=tmp_path / "drop",
        agent_timezone="Europe/Berlin",
        person_map=tmp_path / "people.csv",
        pseudonym_key_hex="ab" * 32,
    )


def test_the_tasks_see_the_settings_that_we_have(full: Settings):
    assert load_settings(sluice_environment(full)) == full
    assert load_settings(airflow_environment(full, port=1, is_scheduled=False, inherited={})) == full


def test_what_is_not_set_stays_unset(tmp_path: Path):
    bare = Settings(home=tmp_path, warehouse_url="postgresql://u@h/d")
    assert (
        load_settings(airflow_environment(bare, port=1, is_scheduled=False, inherited={"SLUICE_AGENT_DROP": "/other"}))
        == bare
    )


def test_another_airflow_does_not_leak_in(full: Settings):
    inherited = {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW_CONFIG": "/etc/airflow.cfg",
        "PATH": "/bin",
        "HOME": "/root",
    }
    made = airflow_environment(full, port=1, is_scheduled=False, inherited=inherited)
    assert made["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor" and "AIRFLOW_CONFIG" not in made
    assert made["PATH"] == "/bin"


def test_airflow_keeps_its_state_beside_the_warehouse_or_where_told(full: Settings):
    assert airflow_database_url(full, {}) == "postgresql://loader:s%40cret@db:5433/airflow?sslmode=require"
    assert airflow_database_url(full, {"SLUICE_AIRFLOW_DB_URL": "postgresql://a/b"}) == "postgresql://a/b"
    made = airflow_environment(full, port=1, is_scheduled=False, inherited={})
    assert made["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("postgresql+psycopg://")
    assert made["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"].startswith("postgresql+psycopg_async://")


def test_a_database_that_is_not_postgres_is_refused(full: Settings, monkeypatch):
    monkeypatch.setenv("SLUICE_AIRFLOW_DB_URL", "mysql://a/b")
    with pytest.raises(BadInput, match=r"SLUICE_AIRFLOW_DB_URL: expected postgresql://"):
        airflow_environment(full, port=1, is_scheduled=False)


def test_every_option_is_one_that_airflow_has(full: Settings):
    import airflow

    options = yaml.safe_load((Path(airflow.__file__).parent / "config_templates" / "config.yml").read_text())
    for name in airflow_environment(full, port=1, is_scheduled=False, inherited={}):
        if name.startswith("AIRFLOW__"):
            _, section, option = name.split("__", 2)
            assert option.lower() in options[section.lower()]["options"], name


def test_nothing_phones_home_and_loopback_needs_no_proxy(full: Settings):
    made = airflow_environment(full, port=1, is_scheduled=False, inherited={"no_proxy": "intranet"})
    assert made["GX_ANALYTICS_ENABLED"] == made["DBT_SEND_ANONYMOUS_USAGE_STATS"] == made["SCARF_ANALYTICS"] == "false"
    assert made["NO_PROXY"] == made["no_proxy"] == "intranet,127.0.0.1,localhost"
    assert made["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False" and made["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_keys_are_made_once_and_kept(full: Settings):
    one, two = (airflow_environment(full, port=1, is_scheduled=False, inherited={}) for _ in range(2))
    for name in ("AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET"):
        assert one[name] == two[name] and len(one[name]) >= 43
    from cryptography.fernet import Fernet

    Fernet(one["AIRFLOW__CORE__FERNET_KEY"])


def test_compiled_python_may_be_kept(full: Settings):
    """Without it every process of Airflow compiles what it imports: three times as slow to start."""
    made = airflow_environment(full, port=1, is_scheduled=False, inherited={"PYTHONDONTWRITEBYTECODE": "1"})
    assert "PYTHONDONTWRITEBYTECODE" not in made
