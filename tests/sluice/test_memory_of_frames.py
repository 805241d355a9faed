"""In a forked task the memory that a frame gives back is the next one's: the system need not make it again page by page."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts the pages that Linux makes")

FRAMES = """
import ctypes, os, resource
import {first}
import polars as pl

PR_SET_THP_DISABLE = 41  # a huge page would count as one
ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)

if os.fork():
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
numbers = pl.Series(range(4_000_000))  # 32 MB, which jemalloc holds to be much

def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for number in range(10):
        (numbers + number).sort()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

pages()
print(pages() * resource.getpagesize() / (10 * 32e6))
"""


def share_made_again(first: str, **environment: str) -> float:
    """Of the memory of ten frames, of which each is given back before the next is asked for."""
    done = subprocess.run(
        [sys.executable, "-c", FRAMES.format(first=first)],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "_RJEM_MALLOC_CONF"} | environment,
    )
    return float(done.stdout)


@pytest.mark.parametrize("first", ["mining_tasks.runner", "mining_tasks.io", "expectations.mining", "sluice.publish"])
def test_memory_is_used_again(first):
    assert share_made_again(first) < 0.1


def test_the_share_tells_where_it_is_not():
    assert share_made_again("sys") > 0.9


def test_what_the_environment_says_stays():
    assert share_made_again("mining_tasks.runner", _RJEM_MALLOC_CONF="dirty_decay_ms:0") > 0.9
