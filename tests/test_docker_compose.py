"""docker-compose.yml and the Dockerfile: no engine needed to hold that they fit each other, Airflow and our own code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sluice.settings import PROJECT, load_settings

COMPOSE_KEYS = {"name", "services", "volumes", "configs", "networks", "secrets"}
SERVICE_KEYS = {
    "image",
    "build",
    "restart",
    "environment",
    "volumes",
    "depends_on",
    "command",
    "ports",
    "expose",
    "healthcheck",
    "configs",
    "stop_grace_period",
}
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
DURATION = re.compile(r"\d+(s|m|h)")
CONDITIONS = {"service_healthy", "service_started", "service_completed_successfully"}
# read by the programs themselves, not through Airflow's or Sluice's settings
IMAGE_VARIABLES = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "REDISCLI_AUTH"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def services(compose) -> dict[str, Any]:
    return compose["services"]


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (PROJECT / "Dockerfile").read_text()


def commands(services) -> dict[str, list[str]]:
    return {name: service["command"] for name, service in services.items() if "command" in service}


def interpolated(text: str) -> list[tuple[str, str]]:
    """The variables of the text, with what follows the name (`:-default`, `:?message`)."""
    return re.findall(r"(?<!\$)\$\{([A-Z_]+)([^}]*)\}", text)


def test_only_keys_of_the_compose_specification(compose, services):
    assert {key for key in compose if not key.startswith("x-")} <= COMPOSE_KEYS
    for name, service in services.items():
        assert set(service) <= SERVICE_KEYS, name
        assert "image" in service, name
        assert isinstance(service.get("command", []), list), f"{name}: the exec form needs no shell quoting"
        assert all(isinstance(value, str) for value in service.get("environment", {}).values()), (
            f"{name}: quote booleans and numbers"
        )


def test_every_service_of_the_production_shape_is_there(services):
    assert set(services) == {
        "postgres",
        "redis",
        "migrate",
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer",
        "worker",
    }


def test_every_image_is_pinned_to_a_full_version(services, dockerfile):
    base = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    for image in [*(service["image"] for service in services.values()), *base]:
        assert re.fullmatch(r"[a-z0-9/.-]+:\d+\.\d+(\.\d+)?(-[a-z]+)*", image), image
    assert services["postgres"]["image"].startswith("postgres:18.")


def test_the_image_is_this_release_and_its_tools_are_those_of_the_makefile(services, dockerfile):
    pyproject = (PROJECT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"', pyproject, re.MULTILINE)[1]
    assert services["api-server"]["image"] == f"sluice:{version}"
    uv = re.search(r"^UV_VERSION = (.+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)[1]
    assert f"uv=={uv}" in dockerfile
    assert "--extra celery" in dockerfile and "\ncelery = [" in pyproject


def test_everything_that_the_product_needs_is_copied_into_the_image(dockerfile):
    copied = set(re.findall(r"^COPY --chown=\S+ (\w+) \./\w+$", dockerfile, re.MULTILINE))
    assert copied == {"sluice", "extractors", "expectations", "mining_tasks", "dbt_project", "processes", "dags"}
    ignored = (PROJECT / ".dockerignore").read_text().split()
    assert not copied & set(ignored) and ".venv" in ignored and ".sluice" in ignored


def test_health_checks_are_complete_and_everything_waited_for_has_one(services):
    for name, service in services.items():
        if name != "migrate":
            assert set(service["healthcheck"]) >= {"test", "interval", "timeout", "retries"}, name
            assert set(service["healthcheck"]) <= HEALTH_KEYS
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
            for key in ("interval", "timeout", "start_period"):
                assert DURATION.fullmatch(service["healthcheck"].get(key, "1s")), f"{name}: {key}"
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], f"{name} waits for {needed}"


def test_nothing_waits_for_itself_in_a_circle(services):
    done: set[str] = set()
    left = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    while left:
        free = {name for name, needs in left.items() if needs <= done}
        assert free, f"a circle: {left}"
        done |= free
        left = {name: needs for name, needs in left.items() if name not in free}


def test_every_volume_and_config_that_is_used_is_declared(compose, services):
    used = {
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if not volume.startswith(("/", ".", "$"))
    }
    assert used == set(compose["volumes"])
    assert {config["source"] for service in services.values() for config in service.get("configs", [])} == set(
        compose["configs"]
    )


def test_ports_agree_with_what_the_programs_listen_on(services, dockerfile):
    environment = services["api-server"]["environment"]
    port = environment["AIRFLOW__API__PORT"]
    assert services["api-server"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"EXPOSE {port}" in dockerfile
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"http://api-server:{port}/execution/"
    assert f":{port}/api/v2/monitor/health" in services["api-server"]["healthcheck"]["test"][-1]
    health = environment["AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT"]
    assert f":{health}/health" in services["scheduler"]["healthcheck"]["test"][-1]
    assert environment["AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK"] == "True"
    published = [binding for service in services.values() for binding in service.get("ports", [])]
    assert all(binding.startswith("127.0.0.1:") for binding in published), "nothing is open to the network by itself"


def test_every_host_that_is_named_is_a_service_on_its_port(services):
    ports = {"postgres": "5432", "redis": "6379", "api-server": "8080"}
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            for host, port in re.findall(r"(?:@|//)([a-z-]+):(\d+)", value):
                assert ports.get(host) == port, f"{name}: {host}:{port}"


def test_every_airflow_variable_is_an_option_that_airflow_has(services):
    import airflow
    from airflow.providers.celery.get_provider_info import get_provider_info

    options = yaml.safe_load((Path(airflow.__file__).parent / "config_templates" / "config.yml").read_text())
    options |= get_provider_info()["config"]
    for service in services.values():
        for name in service.get("environment", {}):
            if name.startswith("AIRFLOW__"):
                _, section, option = name.split("__", 2)
                assert option.lower() in options[section.lower()]["options"], name


def test_every_sluice_variable_is_one_that_the_code_reads(services):
    environment = services["worker"]["environment"]
    ours = {name: value for name, value in environment.items() if name.startswith("SLUICE_")}
    steps = (PROJECT / "sluice" / "dag_steps.py").read_text()
    for name in ours:
        if name == "SLUICE_NIGHTLY":
            assert f'"{name}"' in steps
            continue
        probe = "00" * 32 if name == "SLUICE_PSEUDONYM_KEY" else "/probe"
        assert load_settings({name: probe}) != load_settings({}), f"{name} changes no setting"


def test_no_variable_is_unknown(services):
    for name, service in services.items():
        for variable in service.get("environment", {}):
            assert variable.startswith(("AIRFLOW__", "SLUICE_")) or variable in IMAGE_VARIABLES, f"{name}: {variable}"


def test_all_processes_of_airflow_have_the_same_settings(services):
    ours = [service["environment"] for service in services.values() if service["image"].startswith("sluice:")]
    assert len(ours) == 6 and all(environment == ours[0] for environment in ours)


def test_secrets_come_from_outside_and_every_one_is_asked_for(services):
    text = (PROJECT / "docker-compose.yml").read_text()
    example = dict(
        line.split("=", 1)
        for line in (PROJECT / ".env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    used = {name for name, _ in interpolated(text)}
    assert used == set(example)
    required = {name for name, rest in interpolated(text) if rest.startswith(":?")}
    optional = {"SLUICE_SMTP_PASSWORD"}  # a mail server may want none
    assert {
        name for name, value in example.items() if "PASSWORD" in name or "KEY" in name or "SECRET" in name
    } <= required | optional
    assert all(example[name] == "" for name in required), "no secret in the project"


def test_airflow_understands_every_command(services):
    from airflow.cli import cli_parser

    parser = cli_parser.get_parser()
    for name, command in commands(services).items():
        if command[0] == "airflow":
            assert parser.parse_args(command[1:]).func, name
    for name in ("dag-processor", "triggerer"):
        arguments = parser.parse_args(services[name]["healthcheck"]["test"][2:])
        assert arguments.job_type.endswith("Job")


def test_health_checks_ask_what_exists(services):
    from airflow.api_fastapi.core_api.routes.public.monitor import monitor_router
    from airflow.utils import scheduler_health

    assert any(route.path.endswith("/monitor/health") for route in monitor_router.routes)
    assert '"/health"' in Path(scheduler_health.__file__).read_text()
    app = re.search(r"--app (\S+)", services["worker"]["healthcheck"]["test"][-1])[1]
    module, name = app.rsplit(".", 1)
    assert module == "airflow.providers.celery.executors.celery_executor" and name == "app"
    assert "$${HOSTNAME}" in services["worker"]["healthcheck"]["test"][-1], (
        "the container's own name, not compose's variable"
    )


def test_the_migration_command_is_ours(services):
    from sluice import migrate_warehouse

    assert callable(migrate_warehouse.main)
    assert "python -m sluice.migrate_warehouse" in services["migrate"]["command"][-1]
    assert services["migrate"]["command"][-1].startswith("airflow db migrate")


def test_the_databases_that_are_used_are_made(compose, services):
    environment = services["worker"]["environment"]
    assert environment["SLUICE_WAREHOUSE_URL"].endswith(f"/{services['postgres']['environment']['POSTGRES_DB']}")
    made = re.findall(r"create database (\w+)", compose["configs"]["airflow-database"]["content"])
    for name in (
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC",
        "AIRFLOW__CELERY__RESULT_BACKEND",
    ):
        assert environment[name].rsplit("/", 1)[1] in made
        assert environment[name].split("://")[0] in (
            "postgresql+psycopg",
            "postgresql+psycopg_async",
            "db+postgresql+psycopg",
        )
