#!/usr/bin/env python3
"""Posts a letter of `skyscan serve --tell` to Slack, Mattermost, or whatever takes their incoming webhooks.

    skyscan serve ... --tell 'python3 chat.py --url-file /etc/skyscan/chat-url --page https://skyscan.example.org'

The URL is a secret: whoever has it can post. So it is read from a file.
"""

import argparse
import json
import pathlib
import urllib.request

import letter


def message(told: dict, base: str | None) -> dict:
    """The text, in the few marks that both understand."""
    lines = [f"*{letter.headline(told)}*", *letter.regions(told)]
    lines += [f":warning: {doubt}" for doubt in letter.doubts(told)]
    if base:
        lines.append(letter.page(told, base))
    # Slack asks for these three to be escaped; nobody can be called by what an alert or a program said.
    text = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text.replace("@", "@\u200b")}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--url-file", type=pathlib.Path, help="file of the incoming webhook's URL; without it, print")
    arguments.add_argument("--page", help="where people find the service")
    asked = arguments.parse_args()
    body = json.dumps(message(letter.read(), asked.page))
    if asked.url_file is None:
        return print(body)
    request = urllib.request.Request(
        asked.url_file.read_text().strip(), body.encode(), {"Content-Type": "application/json"}
    )
    # Whatever goes wrong ends this program with a code that is not 0: it is run again later.
    with urllib.request.urlopen(request, timeout=20):
        pass


if __name__ == "__main__":
    main()
