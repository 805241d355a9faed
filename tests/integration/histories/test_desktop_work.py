"""Random histories of desktop work."""

from tests.integration.histories.whole import Histories


class TestDesktopWork(Histories):
    process = "desktop_work"
