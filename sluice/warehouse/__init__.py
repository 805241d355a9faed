"""The warehouse: connections, migrations, and the embedded PostgreSQL."""

from sluice.warehouse.connection import connect, redacted
from sluice.warehouse.migrations import migrate

__all__ = ["connect", "migrate", "redacted"]
