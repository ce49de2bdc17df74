#!/usr/bin/env python3
"""Receives the webhook of `skyscan serve`: checks the signature, the age and the id of each letter, and prints one line a letter.

    skyscan serve ... --webhook http://127.0.0.1:8099/ --webhook-secret FILE
    python3 receiver.py --port 8099 --secret FILE
"""

import argparse
import hashlib
import hmac
import http.server
import json
import pathlib
import re
import time

MOST_BYTES = 2 << 20
MOST_SECONDS = 300
MOST_IDS = 10_000


def is_signed(secret: bytes, signature: str, body: bytes, now: float) -> bool:
    """Whether the body was signed with the secret, not long ago."""
    parts = re.fullmatch(r"t=(\d{1,12}),v1=([0-9a-f]{64})", signature)
    if parts is None or abs(now - int(parts[1])) > MOST_SECONDS:
        return False
    expected = hmac.new(secret, parts[1].encode() + b"." + body, hashlib.sha256)
    return hmac.compare_digest(expected.hexdigest(), parts[2])


class Receiver(http.server.BaseHTTPRequestHandler):
    secret = b""
    seen: dict[str, None] = {}

    def do_POST(self):
        length = int(self.headers.get("Content-Length", MOST_BYTES + 1))
        if length > MOST_BYTES:
            return self.answer(413)
        body = self.rfile.read(length)
        signature = self.headers.get("Skyscan-Signature", "")
        if not is_signed(self.secret, signature, body, time.time()):
            return self.answer(401)
        letter_id = self.headers.get("Skyscan-Delivery", "")
        # A letter comes again when our answer was lost.
        if letter_id not in self.seen:
            letter = json.loads(body)
            print(letter["moment"], letter["scan"]["id"], letter["scan"]["state"], letter_id, flush=True)
            self.seen[letter_id] = None
            if len(self.seen) > MOST_IDS:
                del self.seen[next(iter(self.seen))]
        # Only now: an answer says that the letter need not come again.
        self.answer(204)

    def answer(self, status: int):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, default=8099, help="port of loopback; 0 takes any")
    arguments.add_argument("--secret", type=pathlib.Path, required=True, help="file of the shared secret")
    asked = arguments.parse_args()
    Receiver.secret = asked.secret.read_bytes().strip()
    with http.server.ThreadingHTTPServer(("127.0.0.1", asked.port), Receiver) as server:
        print(f"listening at http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
