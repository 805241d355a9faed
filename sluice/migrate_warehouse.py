"""`python -m sluice.migrate_warehouse`: bring the warehouse of SLUICE_WAREHOUSE_URL to this release."""

import sys

from sluice.errors import SluiceError
from sluice.settings import load_settings
from sluice.warehouse import migrate


def main() -> int:
    """Apply the migrations that are missing; 1 with one line when there is no warehouse to reach."""
    url = load_settings().warehouse_url
    if url is None:
        print(
            "sluice: SLUICE_WAREHOUSE_URL is not set: expected postgresql://user:password@host:port/name",
            file=sys.stderr,
        )
        return 1
    try:
        applied = migrate(url)
    except SluiceError as error:
        print(f"sluice: {error}", file=sys.stderr)
        return 1
    print(f"warehouse: {', '.join(applied) or 'up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
