"""`sluice alert`: one look, or a test of the channels."""

from sluice.alerts.looking import look, send_test
from sluice.settings import Settings


def alert(settings: Settings, *, is_test: bool) -> int:
    """Print what was told; 1 when something is wrong at the moment or a message could not be sent."""
    from sluice.nights import running_warehouse

    with running_warehouse(settings) as ready:
        if is_test:
            print("\n".join(send_test(ready)))
            return 0
        looked = look(ready)
    for incident in looked.opened:
        print(f"new: {incident.subject}: {incident.kind}: {incident.reason} ({incident.command})")
    for subject in looked.recovered:
        print(f"over: {subject}")
    for line in looked.errors:
        print(f"not sent, tried again at the next look: {line}")
    print(f"{looked.open_count} open")
    return 1 if looked.open_count or looked.errors else 0
