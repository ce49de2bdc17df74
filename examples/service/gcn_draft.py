#!/usr/bin/env python3
"""Writes a draft of a GCN circular, and its figures as JSON, for somebody to read. It sends nothing.

    skyscan serve ... --tell 'python3 gcn_draft.py --folder /srv/drafts'

Only a final direction of a complete scan makes a draft. What a person has to fill in stands in square brackets; an area is no
error box, so the errors are taken from the largest region that was scanned whole.
"""

import argparse
import json
import math
import os
import pathlib
import sys

import letter


def extent(outlines: list, best: dict) -> dict | None:
    """How far a region reaches from the best direction: in right ascension and declination, in degrees."""
    points = [point for outline in outlines for point in outline]
    if not points:
        return None
    right = [(ra - best["ra_deg"] + 180) % 360 - 180 for ra, _ in points]
    up = [dec - best["dec_deg"] for _, dec in points]
    return {"ra_plus": max(right), "ra_minus": min(right), "dec_plus": max(up), "dec_minus": min(up)}


def draft(told: dict) -> tuple[str, dict] | None:
    """Text and figures, if there is something to say."""
    scan, contour = told["scan"], told.get("contour")
    if told["moment"] != "final" or scan["state"] != "done" or not contour:
        return None
    best, closed = contour["best"], [region for region in contour["regions"] if region["is_closed"]]
    figures = {
        "is_draft": True, "scan": scan["id"], "event": scan["event"], "ra_deg": best["ra_deg"], "dec_deg": best["dec_deg"],
        "regions": [{key: region[key] for key in ("containment", "area_deg2", "is_closed")} for region in contour["regions"]],
        "doubts": letter.doubts(told),
    }
    ra, dec = f"{best['ra_deg']:.2f}", f"{best['dec_deg']:+.2f}"
    if closed:
        largest = max(closed, key=lambda region: region["containment"])
        reach = extent(largest["outlines"], best)
        if reach and all(map(math.isfinite, reach.values())):
            figures["extent_deg"] = {"containment": largest["containment"], **reach}
            held = f"{100 * largest['containment']:g}% region's extent"
            ra += f" (+{reach['ra_plus']:.2f} {reach['ra_minus']:.2f} deg, {held})"
            dec += f" (+{reach['dec_plus']:.2f} {reach['dec_minus']:.2f} deg, {held})"
    event = scan["event"]
    lines = [
        "DRAFT, NOT SENT: read docs/analyst.md, check every figure, fill in what is in brackets", "",
        "SUBJECT: [NAME] - IceCube observation of a high-energy neutrino candidate", "",
        f"On MJD {event['mjd']:.6f} (UTC) a candidate was detected (run {event['run_id']}, event {event['event_id']}).",
        "[SELECTION, SIGNALNESS, FALSE ALARM RATE]", "",
        "After a likelihood scan of the sky, the direction is:", f"RA: {ra} J2000", f"Dec: {dec} J2000", "",
        *letter.regions(told), "", "[KNOWN SOURCES NEARBY]", "[CONTACT]", "",
        *[f"DOUBT: {doubt}" for doubt in letter.doubts(told)],
    ]
    return "\n".join(lines) + "\n", figures


def write(path: pathlib.Path, text: str):
    """Whole or not at all."""
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_text(text)
    os.replace(unfinished, path)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--folder", type=pathlib.Path, required=True, help="where drafts are put")
    asked = arguments.parse_args()
    told = letter.read()
    made = draft(told)
    if made is None:
        return print("no draft of this:", letter.headline(told), file=sys.stderr)
    name = told["scan"]["id"].replace("/", "_")
    write(asked.folder / f"{name}.json", json.dumps(made[1], indent=2) + "\n")
    write(asked.folder / f"{name}.txt", made[0])


if __name__ == "__main__":
    main()
