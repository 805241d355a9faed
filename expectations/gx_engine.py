"""The one place that talks to Great Expectations: validates checks with their SQL pushed down, renders the Data
Docs page.

Everything lives in a context in memory, made per call, so that parallel runs share nothing. GX and what it draws in are
imported at the first call, without the statistics and plotting libraries that no check of ours uses.
"""

import contextlib
import functools
import importlib
import logging
import os
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from expectations.checks import Check
from sluice.errors import SluiceError

# imported by three modules of GX for expectations that are not used here; a third of GX's import time
_DEFERRED = ("scipy.stats", "altair")
_GX_SEVERITY = {"block": "critical", "quarantine": "warning", "warn": "info"}


class _Deferred(types.ModuleType):
    """Stands for a module until something is read from it."""

    def __getattr__(self, attribute: str) -> object:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), attribute)


@contextlib.contextmanager
def _deferred_imports() -> Iterator[None]:
    stand_ins = {name: _Deferred(name) for name in _DEFERRED if name not in sys.modules}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, module in stand_ins.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


@functools.cache
def load_gx() -> tuple[types.ModuleType, type]:
    """Import Great Expectations (analytics off) and return it with the expectation class that the checks use."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with _deferred_imports():
        import great_expectations as gx
        from great_expectations.expectations import UnexpectedRowsExpectation
    logging.getLogger("great_expectations").setLevel(logging.WARNING)  # else a task's log drowns in its remarks

    class ExpectNoBadRows(UnexpectedRowsExpectation):
        """No row answers the check's SQL. Rows are counted in the database and never fetched."""

        metric_dependencies = ("unexpected_rows_query.row_count",)

        def _validate(
            self, metrics: dict, runtime_configuration: dict | None = None, execution_engine: object = None
        ) -> dict:
            count = metrics["unexpected_rows_query.row_count"]
            return {"success": count == 0, "result": {"observed_value": count}}

    return gx, ExpectNoBadRows


@dataclass(frozen=True)
class Validation:
    """Bad-row counts by check name, and GX's own result for the Data Docs."""

    counts: dict[str, int]
    result: object


def _gx_url(url: str) -> str:
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url[len(prefix) :]
    return url


def _query(query: str) -> str:
    # GX formats the text (braces) and binds `:name` (colons); the SQL names its tables, so the batch is a comment
    escaped = query.strip().replace("{", "{{").replace("}", "}}").replace(":", "\\:").replace("\\:\\:", "::")
    return f"{escaped} /* {{batch}} */"


def _context(gx: types.ModuleType) -> object:
    """A context in memory; without GX's own docs site, which would leave a folder behind for each call."""
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars={"globally": False, "metric_calculations": False},
    )
    return gx.get_context(project_config=config, mode="ephemeral")


def validate(
    url: str, *, asset: str, suite: str, run_id: str, checks: Sequence[Check], queries: Mapping[str, str]
) -> Validation:
    """Evaluate the checks on the warehouse at `url`; raises SluiceError when a check's SQL cannot run.

    queries: SQL of each check's bad rows, by its name. asset and suite name the data and the checks in the Data Docs.
    """
    gx, expect_no_bad_rows = load_gx()
    context = _context(gx)
    source = context.data_sources.add_postgres("warehouse", connection_string=_gx_url(url), create_temp_table=False)
    try:
        batch = source.add_query_asset(asset, query="select 1 as gate").add_batch_definition(asset)
        expectations = [
            expect_no_bad_rows(
                unexpected_rows_query=_query(queries[check.name]),
                severity=_GX_SEVERITY[check.severity],
                description=f"{check.name}: {check.expected} ({check.severity})",
                meta={"check": check.name},
            )
            for check in checks
        ]
        definition = gx.ValidationDefinition(
            name=suite, data=batch, suite=context.suites.add(gx.ExpectationSuite(name=suite, expectations=expectations))
        )
        result = context.validation_definitions.add(definition).run(
            result_format="BASIC", run_id=gx.RunIdentifier(run_name=run_id)
        )
    finally:
        source.get_engine().dispose()
    counts = {}
    for one in result.results:
        name = one.expectation_config.meta["check"]
        for trouble in (one.exception_info or {}).values():
            if isinstance(trouble, dict) and trouble.get("raised_exception"):
                text = trouble["exception_message"].splitlines()[0]
                raise SluiceError(f"check {name} ({suite}) could not be evaluated: {text}")
        counts[name] = int(one.result["observed_value"])
    return Validation(counts, result)


def render_page(validation: Validation) -> str:
    """The Data Docs page of a validation, as HTML."""
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    return _view().render(ValidationResultsPageRenderer(run_info_at_end=True).render(validation.result))


@functools.cache
def _view() -> object:
    """GX's view of a page, which keeps the templates that it has compiled."""
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def preload() -> None:
    """Do once, in a process that is going to fork the gates, what each would do: import GX, compile its page's templates."""
    load_gx()
    environment = _view().env
    for name in environment.list_templates(extensions=["j2"]):
        environment.get_template(name)
