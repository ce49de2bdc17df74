#!/usr/bin/env python3
"""Brings alerts from a file to which somebody appends a JSON line for each; for `skyscan serve --alerts-from`.

    skyscan serve ... --alerts-from 'python3 follow.py /var/spool/alerts.jsonl --position /var/lib/skyscan/alerts.position'

A line is handed on as it stands, and counts once the service has answered it: where it was killed in between, the line comes
again, which does no harm. This is how a consumer of Kafka does it, too; README.md has one.
"""

import argparse
import json
import os
import pathlib
import sys
import time

LOOK_EVERY = 0.2


def lines(path: pathlib.Path, position: int):
    """Whole lines from this byte on, for ever, each with the byte behind it. A file that is shorter than it was is a new one."""
    while True:
        if path.exists():
            with path.open("rb") as file:
                position = position if position <= os.fstat(file.fileno()).st_size else 0
                file.seek(position)
                while (line := file.readline()).endswith(b"\n"):
                    position += len(line)
                    yield line, position
        time.sleep(LOOK_EVERY)


def keep(path: pathlib.Path, position: int):
    """Whole or not at all."""
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(str(position))
    os.replace(unfinished, path)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("file", type=pathlib.Path)
    arguments.add_argument("--position", type=pathlib.Path, required=True, help="where to keep how far it was brought")
    asked = arguments.parse_args()
    begin = int(asked.position.read_text()) if asked.position.exists() else 0
    for line, position in lines(asked.file, begin):
        if line.strip():
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            answer = sys.stdin.readline()
            if not answer:
                return  # The service has ended.
            refused = json.loads(answer).get("refused")
            if refused:
                print(f"refused, and left out: {refused}", file=sys.stderr, flush=True)
        keep(asked.position, position)


if __name__ == "__main__":
    main()
