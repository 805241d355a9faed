"""What a process that is going to fork the steps does once, so that none of them does it anew."""

import sys

from sluice.settings import Settings


def read_ahead(settings: Settings) -> None:
    """Read the declarations and the parsed dbt project, compile dbt's macros and the pages of Data Docs.

    What fails is the step's to complain about, in its own log; here it is one line on stderr.
    """
    for what, read in (
        ("the declarations", _declarations),
        ("the parsed project", _parsed_project),
        ("the pages of Data Docs", _pages),
        ("what predicts", _predictor),
    ):
        try:
            read(settings)
        except Exception as error:  # noqa: BLE001
            print(f"not preloaded: {what}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)


def _declarations(settings: Settings) -> None:
    from extractors.specs import load_spec
    from sluice.processes import list_processes, load_process
    from sluice.systems import AGENT, configured_systems

    for process in list_processes(settings.project):
        load_process(process, settings.project)
    for system in configured_systems(settings):
        if system != AGENT:
            load_spec(system)


def _parsed_project(settings: Settings) -> None:
    from sluice import dbt_runner

    dbt_runner.preload(settings.project, settings.home)


def _pages(settings: Settings) -> None:
    from expectations import gx_engine

    gx_engine.preload()


def _predictor(settings: Settings) -> None:
    from mining_tasks.prediction import rehearse

    rehearse()
