"""What the other examples say of a letter that `--tell` hands over on standard input."""

import json
import sys


def read() -> dict:
    """The letter."""
    return json.load(sys.stdin)


def headline(letter: dict) -> str:
    """One line."""
    scan, moment = letter["scan"], letter["moment"]
    event = "run {run_id} event {event_id}".format(**scan["event"])
    if moment == "failed":
        return f"{event}: the scan was cancelled" if scan["state"] == "cancelled" else f"{event}: the scan FAILED"
    lacks = ", INCOMPLETE" if scan["state"] == "incomplete" else ""
    return f"{event}: {moment} direction{lacks}, {direction(letter)}"


def direction(letter: dict) -> str:
    """Where the source is, with the smallest and the largest region."""
    best = (letter.get("contour") or {}).get("best") or letter["scan"].get("best")
    if best is None:
        return "no direction yet"
    return "RA {ra_deg:.2f}, Dec {dec_deg:+.2f} deg (J2000)".format(**best)


def regions(letter: dict) -> list[str]:
    """A line for each region."""
    lines = []
    for region in (letter.get("contour") or {}).get("regions", []):
        text = f"{100 * region['containment']:g} %: {region['area_deg2']:.2f} square degrees"
        lines.append(text if region["is_closed"] else f"{text} or more: not all of it was scanned")
    return lines


def doubts(letter: dict) -> list[str]:
    """Why the answer is doubtful, or why there is none."""
    scan = letter["scan"]
    return [*scan.get("quality", []), *([scan["error"]] if scan.get("error") else [])]


def page(letter: dict, base: str) -> str:
    """Where people look at the scan; the service knows no address of its own behind a proxy."""
    return f"{base.rstrip('/')}/#/scan/{letter['scan']['id']}"
