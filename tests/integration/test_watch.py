"""The DAG `watch` in a real Airflow: a failure in ops.runs reaches the webhook once, and its end too."""

import http.server
import json
import threading
import time
from dataclasses import replace

import psycopg
import pytest

from sluice import stack as airflow
from sluice.run_night import night_stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def hook():
    """A web server that keeps what is posted to it."""
    posted = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the tests' output."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", posted
    server.shutdown()
    server.server_close()


def test_the_watch_tells_once_and_tells_the_end(settings, hook, make_database, monkeypatch):
    address, posted = hook
    monkeypatch.setenv("SLUICE_AIRFLOW_DB_URL", make_database())
    ready = replace(
        settings,
        source_urls={"odoo": "postgresql://nowhere/odoo"},
        operations={"SLUICE_ALERT_WEBHOOK_URL": address},
    )
    with psycopg.connect(ready.warehouse_url) as db:
        db.execute(
            """insert into ops.runs (run_id, kind, subject, day, state, message, started_at, finished_at)
               values ('extract__odoo/2026-01-30/1', 'extract', 'odoo', current_date - 1, 'failed', 'a reason',
                       now() - interval '1 hour', now() - interval '1 hour')"""
        )
    with night_stack(ready) as stack:
        airflow.wait_until_healthy(stack, {"watch"})
        api = stack.api()
        _watch(api)
        _watch(api)
        assert [(one["notices"][0]["subject"], one["notices"][0]["reason"]) for one in posted] == [("odoo", "a reason")]
        with psycopg.connect(ready.warehouse_url) as db:
            db.execute(
                """insert into ops.runs (run_id, kind, subject, day, state, finished_at)
                   values ('extract__odoo/2026-01-30/2', 'extract', 'odoo', current_date - 1, 'landed', now())"""
            )
        _watch(api)
    assert [one["notices"][0]["notice"] for one in posted] == ["opened", "recovered"]


def _watch(api) -> None:
    """Trigger the DAG and wait for its end."""
    run_id = api.call("POST", "/dags/watch/dagRuns", {"logical_date": None})["dag_run_id"]
    deadline = time.monotonic() + 240
    while (state := api.run("watch", run_id)["state"]) not in ("success", "failed") and time.monotonic() < deadline:
        time.sleep(0.5)
    assert state == "success"
