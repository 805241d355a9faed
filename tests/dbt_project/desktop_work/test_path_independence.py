"""Whatever the nights were, what is published equals a full rebuild; and a night touches what changed, no more."""

from dataclasses import replace
from random import Random

import pytest

from extractors.agent import pipeline
from tests.extractors.agent.exports import aw_text, bucket, event, rpa_row, rpa_text
from tests.integration.histories.desk import Watcher, recording, stamp


@pytest.mark.parametrize("seed", range(4))
def test_nights_of_late_repeated_and_rederived_files_equal_a_full_rebuild(desk, seed, monkeypatch):
    rng, declared = Random(seed), pipeline.load_vocabulary()
    watchers = [Watcher(rng, "pc-1"), Watcher(rng, "pc-2")]

    def quarantined(rows):
        return seed % 2 == 0 and len(rows) % 4 == 0

    for night in range(6):
        for watcher in watchers:
            if rng.random() < 0.7:
                watcher.work()
                desk.put(f"{watcher.host}-{night}.json", watcher.export())
        for number in range(rng.randrange(3)):
            desk.put(f"{night}-{number}.csv", recording(rng))
        if rng.random() < 0.25:
            desk.settings = replace(desk.settings, agent_timezone=rng.choice(["UTC", "Europe/Berlin", "Asia/Tokyo"]))
        if rng.random() < 0.25:
            excel = {"excel": rng.choice(["Excel", "Lock screen"])}
            vocabulary = replace(declared, version=declared.version + night, applications=declared.applications | excel)
            monkeypatch.setattr(pipeline, "load_vocabulary", lambda vocabulary=vocabulary: vocabulary)
        if rng.random() < 0.2 and (files := sorted(desk.folder.iterdir())):
            rng.choice(files).unlink()
        desk.extract()
        if rng.random() < 0.75:  # else a blocked night: what it landed is looked at the next time
            desk.mine(quarantined)
            assert desk.published == desk.rebuilt(quarantined), f"night {night}"


def test_exporting_the_same_again_touches_nothing_and_a_new_day_only_itself(desk):
    first = [event(stamp(minutes), 60, app="chrome") for minutes in range(0, 300, 60)]
    desk.put("a.json", aw_text(bucket(*first)))
    desk.put("a.csv", rpa_text(rpa_row(), rpa_row()))
    desk.extract()
    desk.mine()
    assert len(desk.touched) == 6
    desk.put("b.json", aw_text(bucket(*first), as_array=True))
    desk.extract()
    desk.mine()
    assert desk.touched == set()
    desk.put("c.json", aw_text(bucket(*first, event(stamp(1500), 60, app="excel"))))
    desk.extract()
    desk.mine()
    assert len(desk.touched) == 1
    desk.put("d.json", aw_text(bucket(event(stamp(29), 120, app="excel"))))
    desk.extract()
    desk.mine()
    assert len(desk.touched) == 2  # 06:29 joins 06:00 and 07:00 into one session: one is made anew, one is gone
    assert len(desk.published) == 6
    assert desk.published == desk.rebuilt()


def test_an_absence_that_grows_shortens_the_windows_that_it_reaches_and_touches_no_other_session(desk):
    windows = bucket(*(event(stamp(minutes), 1800, app="chrome") for minutes in (0, 360, 720)))

    def away(minutes):
        absence = event(stamp(200), 60 * minutes, status="afk")
        return aw_text(windows, bucket(absence, kind="afkstatus", client="aw-watcher-afk"))

    for night, (minutes, touched) in enumerate({20: 3, 170: 1, 175: 1, 525: 2, 526: 2}.items()):
        desk.put(f"{night}.json", away(minutes))
        desk.extract()
        desk.mine()
        assert desk.published == desk.rebuilt(), f"away for {minutes} minutes"
        assert len(desk.touched) == touched, f"away for {minutes} minutes"


def test_an_application_that_becomes_the_lock_screen_parts_what_it_held_together(desk, monkeypatch):
    declared = pipeline.load_vocabulary()
    started = [(0, 600, "chrome"), (15, 5400, "guard"), (110, 600, "excel")]
    windows = [event(stamp(minutes), seconds, app=app) for minutes, seconds, app in started]
    desk.put("a.json", aw_text(bucket(*windows)))
    desk.extract()
    desk.mine()
    assert len(desk.published) == 1
    (desk.folder / "a.json").unlink()
    applications = declared.applications | {"guard": "Lock screen"}
    newer = replace(declared, version=declared.version + 1, applications=applications)
    monkeypatch.setattr(pipeline, "load_vocabulary", lambda: newer)
    desk.put("b.json", aw_text(bucket(windows[1])))
    desk.extract()
    desk.mine()
    assert len(desk.published) == 2
    assert desk.published == desk.rebuilt()
