"""Data Docs: pages per run and subject that fetch nothing and show no content of personal columns."""

import re
from datetime import timedelta

import psycopg
import pytest

from expectations.candidate import gate_candidate
from expectations.data_docs import KEPT_PAGES
from sluice.errors import Blocked
from tests.expectations.candidates import AS_OF, START, Candidate, process, run


def test_page_of_a_run_is_self_contained_and_says_what_was_found(settings):
    ctx = run(1)
    Candidate({"A": ["order"], "<b>F&": [("order", AS_OF + timedelta(days=9))]}).write(settings.warehouse_url, ctx)
    gate_candidate(settings, process(), ctx)
    folder = settings.home / "data_docs" / "demo"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["2025-03-01__mine__demo_2025-03-01_run1__candidate.html", "index.html"]
    for name in names:
        page = (folder / name).read_text()
        assert not re.search(r"<script|<link|<img|https?://", page)
        assert "not_in_future: expected no event later than" in page and "&lt;b&gt;F&amp;" in page
    page = (folder / names[0]).read_text()
    assert "event_id_unique: each event_id once (block)" in page and ctx.run_id in page
    assert settings.warehouse_url.split("@")[0].split(":")[-1] not in page, "no password"


def test_page_of_a_blocked_run_is_written_too_and_shows_no_content(settings):
    ctx = run(1)
    Candidate({"A": ["order"]}).write(settings.warehouse_url, ctx)
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("update candidate.demo__events set resource = 'jane.doe@example.org'")
    with pytest.raises(Blocked) as stopped:
        gate_candidate(settings, process(), ctx)
    shown = "".join(path.read_text() for path in (settings.home / "data_docs" / "demo").iterdir())
    with psycopg.connect(settings.warehouse_url) as db:
        shown += "".join(message for (message,) in db.execute("select message from quality.check_results"))
    assert "resource_is_pseudonym" in shown and "jane.doe" not in shown + str(stopped.value)


def test_old_pages_go_and_other_subjects_stay(settings):
    folder = settings.home / "data_docs"
    for subject in ("demo", "other"):
        (folder / subject).mkdir(parents=True)
        for number in range(KEPT_PAGES + 5):
            (folder / subject / f"2024-01-01__run{number:03}__candidate.html").write_text("old")
    Candidate({"A": [("order", START)]}).write(settings.warehouse_url, run(1))
    gate_candidate(settings, process(), run(1))
    assert len(list((folder / "demo").glob("*__*.html"))) == KEPT_PAGES
    assert len(list((folder / "other").iterdir())) == KEPT_PAGES + 5
