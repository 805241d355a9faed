"""What can go wrong in a way that a user must read: each error is one clear line.

The line names the file or table, the row and the column, what was expected and what to do.
"""


class SluiceError(Exception):
    """An expected failure; its text is the whole message, shown without a traceback."""


class BadInput(SluiceError):
    """A file, option or declaration that cannot be used as it is."""


class Blocked(SluiceError):
    """A source check or the gate stopped the run: nothing was published, the last good state stays."""


class Unreachable(SluiceError):
    """A database cannot be reached or went away: the one failure that waiting may repair, so it is tried again."""


class SourceUnreachable(Blocked, Unreachable):
    """A source cannot be reached or went away while it was read: tried again, and Blocked if that does not help."""
