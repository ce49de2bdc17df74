#!/usr/bin/env python3
"""Mails a letter of `skyscan serve --tell`.

    skyscan serve ... --tell 'python3 mail.py --host smtp.example.org --from skyscan@example.org shift@example.org'

Give `--user` and `--password-file` where the mail server asks for them; `--plain` only for one on this machine.
"""

import argparse
import email.message
import email.utils
import os
import pathlib
import smtplib
import ssl
import sys

import letter


def mail(told: dict, sender: str, receivers: list[str], base: str | None) -> email.message.EmailMessage:
    """The mail. Its Message-ID is that of the letter: a mail that comes twice is seen to be one."""
    written = email.message.EmailMessage()
    written["Subject"] = f"[skyscan] {letter.headline(told)}"
    written["From"], written["To"] = sender, ", ".join(receivers)
    written["Date"] = email.utils.formatdate()
    delivery = os.environ.get("SKYSCAN_DELIVERY")
    if delivery:
        written["Message-ID"] = f"<{delivery}@{email.utils.parseaddr(sender)[1].rpartition('@')[2]}>"
    lines = [letter.direction(told), *letter.regions(told), ""]
    lines += [f"Doubt: {doubt}" for doubt in letter.doubts(told)]
    lines += [letter.page(told, base)] if base else []
    written.set_content("\n".join(lines) + "\n")
    return written


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("receivers", nargs="+", metavar="TO")
    arguments.add_argument("--from", dest="sender", required=True)
    arguments.add_argument("--host", help="mail server; without it, print")
    arguments.add_argument("--port", type=int, default=587)
    arguments.add_argument("--plain", action="store_true", help="without TLS")
    arguments.add_argument("--user")
    arguments.add_argument("--password-file", type=pathlib.Path)
    arguments.add_argument("--page", help="where people find the service")
    asked = arguments.parse_args()
    written = mail(letter.read(), asked.sender, asked.receivers, asked.page)
    if asked.host is None:
        return sys.stdout.write(written.as_string())
    with smtplib.SMTP(asked.host, asked.port, timeout=20) as server:
        if not asked.plain:
            server.starttls(context=ssl.create_default_context())
        if asked.user:
            server.login(asked.user, asked.password_file.read_text().strip())
        server.send_message(written)


if __name__ == "__main__":
    main()
