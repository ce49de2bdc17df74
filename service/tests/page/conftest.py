"""A browser, a service that plays, and the real one over an engine that plays.

`cargo test -p skyscan-service --test page` runs all of it; by hand it is

    cargo build --release -p skyscan-service --example fake
    FAKE=../../../target/release/examples/fake python -m pytest

`CHROMIUM` is the browser (/usr/bin/chromium), `SHOTS` a folder for pictures of what the page looks like.
"""

import os
import subprocess
import tempfile
import urllib.parse

import pytest
from playwright.sync_api import expect, sync_playwright

import playing

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FAKE = os.environ.get("FAKE")

#: Beside images that are made for other tests a browser may get no processor for half a minute.
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)

#: Phone and desk, by day and by night.
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
DESK = {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="session")
def chromium():
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"no browser at {CHROMIUM}")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A page whose complaints, and requests to elsewhere, fail the test that looks at it."""

    def __init__(self, chromium, origin, **options):
        self.context = chromium.new_context(**{**DESK, **options})
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.complaints, self.elsewhere = [], []
        self.page.on("console", lambda m: m.type in ("error", "warning") and self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"a dialog: {dialog.message}"))
        self.context.on(
            "request", lambda r: not r.url.startswith((origin, "blob:" + origin)) and self.elsewhere.append(r.url)
        )

    def is_well(self):
        assert self.complaints == []
        assert self.elsewhere == []


@pytest.fixture
def watched(chromium):
    """Opens a page at an address with a token."""
    opened = []

    def open_page(address, token="admin-token", view="/", **options):
        origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(address))
        page = Watched(chromium, origin, **options)
        opened.append(page)
        page.page.goto(address + (f"#token={token}&{view}" if token else f"#{view}"))
        return page

    yield open_page
    for page in opened:
        page.context.close()


class Played:
    def __init__(self, **options):
        self.world, self.server, self.address = playing.begin(**options)

    def id(self, event):
        return next(s.id for s in self.world.scans.values() if s.row["event"]["event_id"] == event)


@pytest.fixture(scope="session")
def played():
    """A service below a path, as behind a reverse proxy."""
    world = Played(under="/sky/obs", seconds=4.0)
    yield world
    world.server.shutdown()


@pytest.fixture
def fragile():
    """One of a test's own, to be hurt."""
    world = Played(seconds=4.0)
    yield world
    world.server.shutdown()


@pytest.fixture(scope="session")
def real():
    """The address and the token of the real service over an engine that plays."""
    if not FAKE:
        pytest.skip("FAKE names no service")
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [FAKE, folder, "0", "4"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        link = process.stdout.readline().strip()
        address, _, token = link.partition("#token=")
        yield address, token
        process.terminate()
        process.wait(30)
