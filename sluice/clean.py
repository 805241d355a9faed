"""`sluice clean`: stop everything of this installation and remove its one folder of state."""

import shutil
import sys

from sluice.settings import Settings
from sluice.warehouse import embedded


def clean(settings: Settings, *, dry_run: bool, yes: bool) -> int:
    """Remove SLUICE_HOME; asks first unless `yes`. A warehouse of your own is not touched."""
    home = settings.home
    if not home.exists():
        print(f"nothing to remove: {home} does not exist")
        return 0
    parts = ", ".join(sorted(path.name for path in home.iterdir())) or "empty"
    print(f"{'would remove' if dry_run else 'removing'} {home} ({parts})")
    if dry_run:
        return 0
    if not yes:
        if not sys.stdin.isatty():
            print("sluice: say --yes to remove it without being asked", file=sys.stderr)
            return 2
        if input("The embedded warehouse and the pseudonym key go with it. Remove? [y/N] ").strip().lower() != "y":
            return 1
    from sluice.stack import down

    down(settings)
    embedded.stop(settings)
    shutil.rmtree(home)
    return 0
