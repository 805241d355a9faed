"""Event logs from files: XES and CSV become candidate tables, which are gated, mined and published like any other.

`command` is the command line's part; docs/import_log.md is the manual.
"""

from sluice.import_log.command import add_arguments, run

__all__ = ["add_arguments", "run"]
