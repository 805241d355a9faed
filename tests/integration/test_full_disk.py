"""A full disk: the run says so in one line, readers keep the last good state, and with room the next run completes."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from sluice import demo
from sluice.owners import close_dead
from sluice.warehouse import connect, embedded, migrate
from tests.integration.published import published

PROCESSES = ("purchase_to_pay",)
SMALL, LARGE = "80m", "400m"


@pytest.fixture
def small_disk():
    """A folder on a file system of its own that is small, and how to make it large."""
    if os.geteuid() != 0:
        pytest.skip("a file system of its own needs root to mount it")
    folder = Path(tempfile.mkdtemp(prefix="sluice-small-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        folder.rmdir()
        pytest.skip(f"this machine does not let a tmpfs be mounted: {mounted.stderr.decode().strip()}")
    folder.chmod(0o755)
    space = folder / "space"
    space.mkdir(mode=0o700)
    shutil.chown(space, "nobody")
    yield space, lambda: subprocess.run(["mount", "-o", f"remount,size={LARGE}", folder], check=True)
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


@pytest.fixture
def warehouse_on_it(server, small_disk):
    """A warehouse whose tables lie there; the server's own files do not."""
    space, enlarge = small_disk
    with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
        db.execute(f"create tablespace small_disk location '{space}'")
        db.execute("create database on_small_disk template template0 tablespace small_disk")
    url = embedded.url(server, "on_small_disk")
    yield url, space.parent, enlarge
    with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
        db.execute("drop database on_small_disk with (force)")
        db.execute("drop tablespace small_disk")


def fill(folder, leave):
    """Use up the disk but for about `leave` bytes."""
    ballast = folder / "ballast"
    ballast.unlink(missing_ok=True)
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    with open(ballast, "wb") as file:
        for _ in range(max(0, free - leave) // 4096):
            file.write(bytes(4096))


@pytest.mark.slow
def test_a_full_disk_ends_in_one_line_and_the_next_run_completes(
    settings, server, warehouse_on_it, make_database, tmp_path, night
):
    url, folder, enlarge = warehouse_on_it
    migrate(url)
    source = make_database()
    settings = replace(settings, home=server.home / "integration", warehouse_url=url, source_urls={"odoo": source})
    company = demo.ensure(settings, url=source, cases=40, seed=8, folder=tmp_path / "demo")
    assert night(settings, company.day, processes=PROCESSES).errors == {}
    good = published(url)
    company = demo.advance(settings, url=source, folder=company.folder)
    lines = []
    for leave in (0, 1_000_000, 4_000_000):
        fill(folder, leave)
        outcome = night(settings, company.day, processes=PROCESSES)
        lines += outcome.errors.values()
        assert published(url) == good or not outcome.errors, "readers keep the last good state"
    assert lines, "the disk was too small at least once"
    for line in lines:
        assert "the disk is full: make room, then run again; nothing was lost" in line and "\n" not in line
    fill(folder, 1 << 40)
    enlarge()
    assert night(settings, company.day, processes=PROCESSES).errors == {}
    with connect(url, autocommit=True) as db:
        close_dead(db)
        assert db.execute("select run_id from ops.runs where state = 'running'").fetchall() == []
    after = published(url)
    assert after != good
    assert night(settings, company.day, systems=(), processes=PROCESSES, full=True).errors == {}
    assert published(url) == after
