"""A small client of Airflow's REST API (version 2): what a night needs of it, on the standard library alone."""

import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from sluice.errors import SluiceError

TRIES = 5
BUSY = (0, 500, 502, 503, 504)  # not reached, or too busy to answer


class ApiError(SluiceError):
    """Airflow's API refused a request or could not be reached; `status` is its HTTP code, 0 when it was not reached."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class AirflowApi:
    """Airflow at `url`, as `user`.

    >>> AirflowApi("http://127.0.0.1:8080", "admin", "secret").url
    'http://127.0.0.1:8080'
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        self._user, self._password = user, password
        self._token: str | None = None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def _send(self, method: str, path: str, body: Any = None, *, timeout: float = 60) -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(
            f"{self.url}{path}", None if body is None else json.dumps(body).encode(), headers, method=method
        )
        try:
            with self._opener.open(request, timeout=timeout) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            detail = error.read().decode(errors="replace")[:500]
            try:
                detail = json.loads(detail).get("detail", detail)
            except (ValueError, AttributeError):
                detail = detail.strip()
            raise ApiError(f"Airflow refused {method} {path}: {error.code} {detail}", error.code) from None
        except (urllib.error.URLError, OSError) as error:
            raise ApiError(f"Airflow at {self.url} cannot be reached ({getattr(error, 'reason', error)})") from None
        return json.loads(text) if text else None

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Call /api/v2`path`; logs in first, and again when the token has expired."""
        address = f"/api/v2{path}" + (f"?{urllib.parse.urlencode(query, doseq=True)}" if query else "")
        tries = 1 if method == "POST" else TRIES  # a POST that was not answered may have been done
        for number in range(1, tries + 1):
            try:
                if self._token is None:
                    self._log_in()
                return self._send(method, address, body)
            except ApiError as error:
                if error.status == 401 and self._token is not None:
                    self._log_in()
                    return self._send(method, address, body)
                if error.status not in BUSY or number == tries:
                    raise
                time.sleep(number)
        raise AssertionError("unreachable")

    def _log_in(self) -> None:
        self._token = None
        self._token = self._send("POST", "/auth/token", {"username": self._user, "password": self._password})[
            "access_token"
        ]

    def health(self) -> dict[str, Any]:
        """State of the parts; needs no login."""
        return self._send("GET", "/api/v2/monitor/health", timeout=5)

    def _pages(self, path: str, key: str, **query: Any) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self.call("GET", path, limit=100, offset=offset, **query)
            yield from page[key]
            offset += 100
            if offset >= (page.get("total_entries") or 0):
                return

    def dags(self) -> dict[str, dict[str, Any]]:
        """All DAGs that Airflow has read, by id."""
        return {dag["dag_id"]: dag for dag in self._pages("/dags", "dags")}

    def import_errors(self) -> list[str]:
        """One line per DAG file that could not be read."""
        errors = self._pages("/importErrors", "import_errors")
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def set_paused(self, dag_id: str, is_paused: bool) -> None:
        self.call("PATCH", f"/dags/{dag_id}", {"is_paused": is_paused})

    def trigger(self, dag_id: str, day: date, conf: dict[str, Any] | None = None, note: str | None = None) -> str:
        """Trigger the run of a partition; returns the run's id. Asked twice when not answered, made once."""
        run_id = f"sluice__{day}__{secrets.token_hex(6)}"
        body = {
            "dag_run_id": run_id,
            "logical_date": None,
            "partition_key": day.isoformat(),
            "conf": conf or {},
            "note": note,
        }
        for number in range(1, TRIES + 1):
            try:
                return self.call("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"]
            except ApiError as error:
                if error.status == 409 and number > 1:
                    return run_id
                if error.status not in BUSY or number == TRIES:
                    raise
                time.sleep(number)
        raise AssertionError("unreachable")

    def runs(self, dag_id: str, **query: Any) -> list[dict[str, Any]]:
        """Runs of a DAG, the oldest first."""
        return list(self._pages(f"/dags/{dag_id}/dagRuns", "dag_runs", order_by="id", **query))

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        return self.call("GET", f"/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}")

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        return self.call(
            "GET", f"/dags/{dag_id}/dagRuns/{urllib.parse.quote(run_id, safe='')}/taskInstances", limit=100
        )["task_instances"]

    def create_backfill(
        self,
        dag_id: str,
        start: datetime,
        end: datetime,
        conf: dict[str, Any] | None = None,
        *,
        is_dry_run: bool = False,
    ) -> dict[str, Any]:
        """Ask for one run per partition from `start` to `end`, both included, existing ones run again."""
        body = {
            "dag_id": dag_id,
            "from_date": start.isoformat(),
            "to_date": end.isoformat(),
            "reprocess_behavior": "completed",
            "max_active_runs": 1,
            "dag_run_conf": conf or {},
        }
        return self.call("POST", "/backfills/dry_run" if is_dry_run else "/backfills", body)

    def backfill(self, backfill_id: int) -> dict[str, Any]:
        return self.call("GET", f"/backfills/{backfill_id}")
