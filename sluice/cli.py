"""The command line: `sluice --help`. Each command is a thin door to the module that does the work."""

import argparse
import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from sluice.errors import Blocked, SluiceError
from sluice.settings import Settings, close_home, load_settings

EXIT_FAILED, EXIT_USAGE, EXIT_BLOCKED, EXIT_INTERRUPTED = 1, 2, 3, 130


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day as YYYY-MM-DD, found {text!r}") from None


def _add_run(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "run",
        help="the whole nightly job, now, through a real Airflow scheduler",
        description="Extract, build, gate, mine and publish, with progress, ending in a summary. Without any "
        "SLUICE_SOURCE_*_URL or SLUICE_AGENT_DROP the sources are the demo company's: the first time two nights, "
        "afterwards one more night each time.",
    )
    parser.add_argument(
        "--day", type=_day, help="the partition (default: today, UTC; for the demo company its next day)"
    )
    parser.add_argument("--full", action="store_true", help="read the sources and rebuild every process from scratch")
    parser.set_defaults(command=_run)


def _run(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.nights import run_nights

    return run_nights(settings, day=args.day, full=args.full)


def _add_up(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("up", help="keep Airflow's UI and the database running, and say where they are")
    parser.set_defaults(command=_up)


def _up(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.nights import with_sources
    from sluice.stack import up

    return up(with_sources(settings))


def _add_down(commands: argparse._SubParsersAction) -> None:
    commands.add_parser("down", help="stop what `sluice up` started").set_defaults(command=_down)


def _down(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.stack import down

    return down(settings)


def _add_status(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("status", help="the last nights at a glance")
    parser.add_argument("--nights", type=int, default=7, help="how many days back (default 7)")
    parser.add_argument("--json", action="store_true", help="the same as one JSON object")
    parser.set_defaults(command=_status)


def _status(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.status import status

    return status(settings, nights=args.nights, is_json=args.json)


def _add_alert(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "alert",
        help="look once whether something failed or is late, and tell by e-mail or webhook",
        description="The DAG `watch` does it every five minutes where Airflow runs; this is for a timer of your own. "
        "Set up by SLUICE_ALERT_TO with SLUICE_SMTP_HOST, and by SLUICE_ALERT_WEBHOOK_URL; see docs/operations.md.",
    )
    parser.add_argument("--test", action="store_true", help="send a test through every channel")
    parser.set_defaults(command=_alert)


def _alert(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.alerts.command import alert

    return alert(settings, is_test=args.test)


def _add_backup(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "backup",
        help="back the warehouse up into a file or folder",
        description="pg_dump of the warehouse as one moment, while it is in use. A TARGET that ends in .dump is one file, "
        "any other a folder. The pseudonym key is not in it: keep it apart.",
    )
    parser.add_argument("target", metavar="TARGET", type=Path, help="NAME.dump, or a folder that is not there yet")
    parser.add_argument(
        "--with-key", metavar="FILE", type=Path, help="also write the pseudonym key to FILE (mode 0600)"
    )
    parser.set_defaults(command=_backup)


def _backup(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.backup import backup

    return backup(settings, args.target, key_file=args.with_key)


def _add_restore(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "restore",
        help="bring a backup back into the warehouse",
        description="In one transaction, into an empty warehouse; with --replace in place of what is there.",
    )
    parser.add_argument("source", metavar="SOURCE", type=Path, help="what `sluice backup` made")
    parser.add_argument("--replace", action="store_true", help="drop what the warehouse holds now")
    parser.add_argument("--key", metavar="FILE", type=Path, help="the pseudonym key that --with-key wrote")
    parser.add_argument(
        "--other-key",
        action="store_true",
        help="go on without that key: the next night gives all people other pseudonyms",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(command=_restore)


def _restore(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.restore import restore

    return restore(
        settings,
        args.source,
        is_replaced=args.replace,
        key_file=args.key,
        yes=args.yes,
        is_other_key=args.other_key,
    )


def _add_retain(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "retain",
        help="take out what is older than the declared retention",
        description="SLUICE_RETENTION_<SYSTEM> (such as '400 days') declares how long raw rows are kept, SLUICE_RETENTION_OPS "
        "how long the history of the runs. Every night does it by itself; this is for the first time, and to see.",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would go and touch nothing")
    parser.set_defaults(command=_retain)


def _retain(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.retention import retain

    return retain(settings, is_dry_run=args.dry_run)


def _add_backfill(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "backfill",
        help="read a window of days again and rebuild what it touches",
        description="Window by window through Airflow's scheduler, while nightly runs go on; never moves the watermark. "
        "The same command again goes on after an interruption, without the days that are done.",
    )
    parser.add_argument("--from", dest="start", type=_day, metavar="DAY", help="first day")
    parser.add_argument("--to", dest="end", type=_day, metavar="DAY", help="last day, included")
    parser.add_argument("--system", help="only this source system (default: all that are configured)")
    parser.add_argument("--reason", default="", help="why, for the record")
    parser.add_argument("--by", help="who asks, for the record (default: the account)")
    parser.add_argument(
        "--days-each", type=int, metavar="N", help="days that one run reads (default: 1, more from 32 days on)"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be read and touched, and change nothing")
    parser.add_argument(
        "--resume",
        nargs="?",
        type=int,
        const=0,
        metavar="NUMBER",
        help="go on with a backfill that came to no end (default: the last one)",
    )
    parser.add_argument(
        "--anew", action="store_true", help="begin at the first day even if such a backfill is unfinished"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before more than a year is read again")
    parser.set_defaults(command=_backfill)


def _backfill(args: argparse.Namespace, settings: Settings) -> int:
    from contextlib import nullcontext

    from sluice.backfill import backfill
    from sluice.nights import is_demo, with_sources
    from sluice.warehouse import embedded

    with embedded.in_use(settings) if is_demo(settings) else nullcontext():
        return backfill(
            with_sources(settings),
            args.start,
            args.end,
            system=args.system,
            reason=args.reason,
            dry_run=args.dry_run,
            asked_by=args.by,
            days_each=args.days_each,
            resume=args.resume,
            is_anew=args.anew,
            is_sure=args.yes,
        )


def _add_psql(commands: argparse._SubParsersAction) -> None:
    commands.add_parser("psql", help="psql on the warehouse; everything after it goes to psql")


def _psql(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.psql import psql

    return psql(settings, args.arguments)


def _add_import_log(commands: argparse._SubParsersAction) -> None:
    from sluice.import_log import add_arguments

    parser = commands.add_parser("import-log", help="publish and mine an event log from an XES or CSV file")
    add_arguments(parser)
    parser.set_defaults(command=_import_log)


def _import_log(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.import_log import run
    from sluice.nights import running_warehouse
    from sluice.roles import worker_settings

    with running_warehouse(settings) as ready:
        return run(args, worker_settings(ready, "mine"))


def _add_export(commands: argparse._SubParsersAction) -> None:
    from sluice import export

    parser = commands.add_parser("export", help="write a published log into an XES or CSV file")
    export.add_arguments(parser)
    parser.set_defaults(command=export.run)


def _add_compare(commands: argparse._SubParsersAction) -> None:
    from sluice import compare

    parser = commands.add_parser("compare", help="two segments or periods of a published process side by side")
    compare.add_arguments(parser)
    parser.set_defaults(command=compare.run)


def _add_mine(commands: argparse._SubParsersAction) -> None:
    from sluice import mine_again

    parser = commands.add_parser("mine", help="mine a published process again, on any engine, and compare")
    mine_again.add_arguments(parser)
    parser.set_defaults(command=mine_again.run)


def _add_demo(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "demo",
        help="make the demo company: Odoo's tables, desktop recordings, and the truth about both",
        description="Writes a simulated company into Odoo's own tables of a source database and desktop-agent exports "
        "of the same people doing the same work. Deterministic per seed.",
    )
    parser.add_argument("--cases", type=int, default=400, help="purchase orders (default 400)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same company (default 1)")
    parser.add_argument("--url", help="database to write into (default: demo_company on the embedded server)")
    parser.add_argument("--folder", help="folder of exports and truth (default: demo/ under SLUICE_HOME)")
    parser.add_argument("--replace", action="store_true", help="replace a company that is already there")
    parser.set_defaults(command=_demo)


def _demo(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.nights import make_demo

    return make_demo(settings, cases=args.cases, seed=args.seed, url=args.url, folder=args.folder, replace=args.replace)


def _add_doctor(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("doctor", help="look for what is wrong with this installation")
    parser.add_argument("--quick", action="store_true", help="without reading the DAG files")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    parser.set_defaults(command=_doctor)


def _doctor(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.doctor import doctor

    return doctor(settings, is_quick=args.quick, is_json=args.json)


def _add_clean(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "clean",
        help="stop everything and remove SLUICE_HOME, the embedded warehouse with it; or a warehouse of your own",
        description="Without --warehouse: SLUICE_HOME. With it: the schemas and roles of Sluice in SLUICE_WAREHOUSE_URL.",
    )
    parser.add_argument(
        "--warehouse", action="store_true", help="drop Sluice's schemas and roles from your own Postgres instead"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be removed")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(command=_clean)


def _clean(args: argparse.Namespace, settings: Settings) -> int:
    from sluice.clean import clean, clean_warehouse

    if args.warehouse:
        return clean_warehouse(settings, dry_run=args.dry_run, yes=args.yes)
    return clean(settings, dry_run=args.dry_run, yes=args.yes)


_COMMANDS: tuple[Callable[[argparse._SubParsersAction], None], ...] = (
    _add_run, _add_up, _add_down, _add_status, _add_backfill, _add_import_log, _add_psql, _add_demo, _add_doctor, _add_clean,
    _add_alert, _add_backup, _add_restore, _add_retain, _add_export, _add_compare, _add_mine,
)  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sluice",
        description="Nightly process and task mining on your own Postgres.",
        epilog="Settings come from the environment: SLUICE_HOME, SLUICE_WAREHOUSE_URL, SLUICE_SOURCE_<SYSTEM>_URL, "
        "SLUICE_AGENT_DROP, SLUICE_PERSON_MAP, SLUICE_PSEUDONYM_KEY. See README.md.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in _COMMANDS:
        add(commands)
    return parser


def _parse(arguments: list[str]) -> argparse.Namespace:
    if arguments[:1] == ["psql"]:  # its options are psql's, which argparse would take for ours
        return argparse.Namespace(command=_psql, arguments=arguments[1:])
    return _parser().parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 well, 1 failed, 2 wrong usage, 3 blocked by a check, 130 interrupted."""
    args = _parse(sys.argv[1:] if arguments is None else arguments)
    os.umask(0o077)  # whatever a command writes is its owner's alone
    try:
        settings = load_settings()
        close_home(settings)
        return args.command(args, settings)
    except Blocked as error:
        print(f"sluice: blocked: {error}", file=sys.stderr)
        return EXIT_BLOCKED
    except SluiceError as error:
        print(f"sluice: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("sluice: interrupted; the next run goes on from what was committed", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
