"""Data Docs: one page per gate call and an index per subject, under SLUICE_HOME/data_docs.

A subject's pages are written by its own runs alone, each file whole by renaming, so parallel runs disturb nothing.
"""

import html
import os
import re
from collections.abc import Sequence
from pathlib import Path

from expectations import gx_engine
from expectations.checks import Outcome
from sluice.runs import RunContext
from sluice.settings import Settings

KEPT_PAGES = 60  # per subject: about two months of nights


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def write_page(settings: Settings, ctx: RunContext, *, subject: str, layer: str, outcomes: Sequence[Outcome],
               validation: gx_engine.Validation) -> Path:
    """Write the page of one gate call and the subject's index; returns the page's path."""
    folder = settings.home / "data_docs" / subject
    run = re.sub(r"[^A-Za-z0-9_.+-]+", "_", ctx.run_id)
    page = folder / f"{ctx.day.isoformat()}__{run}__{layer}.html"
    _write(page, gx_engine.render_page(validation))
    pages = sorted((path for path in folder.glob("*__*.html")), key=lambda path: path.name, reverse=True)
    for old in pages[KEPT_PAGES:]:
        old.unlink(missing_ok=True)
    links = "\n".join(f'<li><a href="{html.escape(path.name)}">{html.escape(path.stem.replace("__", " · "))}</a></li>'
                      for path in pages[:KEPT_PAGES])
    lines = "\n".join(f"<li>{'✓' if one.is_success else '✗'} {html.escape(one.message)}</li>" for one in outcomes)
    title = html.escape(f"Checks of {subject}")
    _write(folder / "index.html", f"<!doctype html><meta charset='utf-8'><title>{title}</title><h1>{title}</h1>"
                                  f"<h2>Latest: {html.escape(layer)}, {ctx.day}</h2><ul>{lines}</ul>"
                                  f"<h2>All runs</h2><ul>{links}</ul>")
    return page
