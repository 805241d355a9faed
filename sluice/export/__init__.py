"""Published logs and models as files that other tools read: XES and CSV.

`command` is the command line's part; docs/export.md is the manual.
"""

from sluice.export.command import add_arguments, run

__all__ = ["add_arguments", "run"]
