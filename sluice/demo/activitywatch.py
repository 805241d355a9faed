"""ActivityWatch bucket exports: windows, web tabs and presence of one workstation, newest events first."""

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

from sluice.demo.calendar import CLOSES, OPENS, utc
from sluice.demo.company import Person

ERP = "https://erp.sluice-demo.example/odoo"
PAGES = {"post_bill": "accounting/vendor-bills", "create_rfq": "purchase", "quote": "sales", "approve": "purchase"}


@dataclass(frozen=True, slots=True)
class Block:
    """Work on one thing: `kind` is a step of the ERP, 'email' (of a document) or 'inbox' (of none)."""

    start: float
    end: float
    kind: str
    document: str
    about: str  # invented names, as they show in window titles


def hostname(person: Person) -> str:
    """The workstation of a person."""
    return f"pc-{person.desktop}"


def day_events(rng: Random, midnight: int, blocks: list[Block]) -> dict[str, list[dict]]:
    """Events by bucket type, oldest first, of one person's day. `blocks` do not overlap."""
    windows: list[dict] = []
    pages: list[dict] = []
    for block in sorted(blocks, key=lambda block: block.start):
        clock, turn = block.start, 0
        while clock < block.end:
            length = min(
                rng.uniform(15, 70) if block.kind in ("post_bill", "create_rfq", "quote") else rng.uniform(60, 400),
                block.end - clock,
            )
            app, title = _window(block, turn)
            windows.append(_event(clock, length, {"app": app, "title": title}))
            if app == "chrome.exe":
                pages.append(
                    _event(
                        clock + 0.2,
                        max(0.0, length - 0.4),
                        {
                            "url": f"{ERP}/{PAGES.get(block.kind, 'discuss')}/{block.document}",
                            "title": title,
                            "audible": False,
                            "incognito": False,
                            "tabCount": 3 + turn % 4,
                        },
                    )
                )
            clock += length
            turn += 1
        windows.append(_event(block.end, 0.0, {"app": "explorer.exe", "title": "Program Manager"}))
    lunch = midnight + 12 * 3600 + rng.uniform(0, 900)
    back = lunch + rng.uniform(1500, 3000)
    presence = [
        _event(midnight + OPENS - 300, lunch - midnight - OPENS + 300, {"status": "not-afk"}),
        _event(lunch, back - lunch, {"status": "afk"}),
        _event(back, midnight + CLOSES + 300 - back, {"status": "not-afk"}),
    ]
    return {"currentwindow": windows, "web.tab.current": pages, "afkstatus": presence}


def _window(block: Block, turn: int) -> tuple[str, str]:
    if block.kind == "email":
        return "OUTLOOK.EXE", f"RE: {block.document} {block.about} - Message (HTML)"
    if block.kind == "inbox":
        return "OUTLOOK.EXE", f"Inbox - {block.about} - Outlook"
    if block.kind in ("post_bill", "create_rfq") and turn % 2 == 0:
        return "EXCEL.EXE", {"post_bill": "open_bills.xlsx - Excel", "create_rfq": "requirements.xlsx - Excel"}[
            block.kind
        ]
    return "chrome.exe", f"{block.document} - {block.about} - Odoo - Google Chrome"


def _event(start: float, duration: float, data: dict) -> dict:
    return {
        "timestamp": utc(round(start, 3)).isoformat(timespec="milliseconds"),
        "duration": round(duration, 3),
        "data": data,
    }


def write(path: Path, host: str, events: dict[str, list[dict]], *, created: float, as_array: bool = False) -> None:
    """Write an export; `as_array`: the buckets as a list, as some versions do."""
    clients = {"currentwindow": "aw-watcher-window", "web.tab.current": "aw-client-web", "afkstatus": "aw-watcher-afk"}
    buckets = {}
    for kind, of_kind in events.items():
        name = f"{clients[kind]}{'-chrome' if kind == 'web.tab.current' else ''}_{host}"
        numbered = [{"id": number, **event} for number, event in enumerate(of_kind, 1)]
        buckets[name] = {
            "id": name,
            "created": utc(created).isoformat(),
            "name": None,
            "type": kind,
            "client": clients[kind],
            "hostname": host,
            "data": {},
            "events": numbered[::-1],
        }
    path.write_text(json.dumps({"buckets": list(buckets.values()) if as_array else buckets}), encoding="utf-8")
