"""Data Docs: one page per gate call and an index per subject, under SLUICE_HOME/data_docs.

The pages are Great Expectations' own, made self-contained: opening one fetches nothing from anywhere. A subject's pages
are written by its own runs alone, each file whole by renaming, so parallel runs disturb nothing.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from expectations import gx_engine
from expectations.checks import Outcome
from sluice.runs import RunContext
from sluice.settings import Settings

KEPT_PAGES = 60  # per subject: about a month of nights
_STYLE = """body { font: 15px/1.5 system-ui, sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; width: 100% } td, th { border: 1px solid #ccc; padding: .3em .6em; text-align: left }
.failed { color: #a00 } ul.findings { list-style: none; padding: 0 }"""


def write_page(
    settings: Settings,
    ctx: RunContext,
    *,
    subject: str,
    layer: str,
    outcomes: Sequence[Outcome],
    validation: gx_engine.Validation,
) -> Path:
    """Write the page of one gate call and the subject's index; returns the page's path."""
    folder = settings.home / "data_docs" / subject
    run = re.sub(r"[^A-Za-z0-9_.+-]+", "_", ctx.run_id)
    page = folder / f"{ctx.day.isoformat()}__{run}__{layer}.html"
    _write(page, _self_contained(gx_engine.render_page(validation), outcomes))
    pages = sorted(folder.glob("*__*.html"), key=lambda path: path.name, reverse=True)
    for old in pages[KEPT_PAGES:]:
        old.unlink(missing_ok=True)
    _write(folder / "index.html", _index(subject, f"{layer}, {ctx.day}", outcomes, pages[:KEPT_PAGES]))
    return page


def _self_contained(page: str, outcomes: Sequence[Outcome]) -> str:
    """The page without scripts, foreign styles, pictures and links, and with what was found on top."""
    from lxml import html
    from lxml.html import builder as b

    tree = html.document_fromstring(page)
    for element in tree.xpath(
        "//script | //style | //link | //img | //form | //footer | //button | //*[contains(@class, 'modal')]"
    ):
        element.drop_tree()
    for link in tree.xpath("//a"):
        link.drop_tree() if "newsletter" in link.get("href", "") else link.drop_tag()
    tree.head.append(b.STYLE(_STYLE))
    tree.body.insert(0, b.DIV(b.A("All runs", href="index.html"), b.H2("Findings"), _findings(outcomes)))
    return html.tostring(tree, encoding="unicode", doctype="<!doctype html>")


def _index(subject: str, latest: str, outcomes: Sequence[Outcome], pages: Sequence[Path]) -> str:
    from lxml import html
    from lxml.html import builder as b

    links = [b.LI(b.A(path.stem.replace("__", " · "), href=path.name)) for path in pages]
    title = f"Checks of {subject}"
    return html.tostring(
        b.HTML(
            b.HEAD(b.META(charset="utf-8"), b.TITLE(title), b.STYLE(_STYLE)),
            b.BODY(b.H1(title), b.H2(f"Latest: {latest}"), _findings(outcomes), b.H2("All runs"), b.UL(*links)),
        ),
        encoding="unicode",
        doctype="<!doctype html>",
    )


def _findings(outcomes: Sequence[Outcome]) -> object:
    from lxml.html import builder as b

    return b.UL(
        b.CLASS("findings"),
        *(
            b.LI(f"✓ {_printable(one.message)}")
            if one.is_success
            else b.LI(b.CLASS("failed"), f"✗ {one.check.severity}: {_printable(one.message)}")
            for one in outcomes
        ),
    )


def _printable(text: str) -> str:
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "\ufffd", text)  # what XML does not allow


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
