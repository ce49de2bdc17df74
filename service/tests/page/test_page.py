"""The page as people use it, over a service that plays."""

import json
import os
import pathlib
import re
import time
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from conftest import DESK, PHONE, Played

SHOTS = os.environ.get("SHOTS")
EVENT = {
    "name": "alert.json",
    "mimeType": "application/json",
    "buffer": b'{"event": {"run_id": 140001, "event_id": 77}}',
}
VIEWS = {
    "list": "/",
    "scan": "/scan/{two}",
    "open": "/scan/{open}",
    "failed": "/scan/{failed}",
    "fleet": "/fleet",
    "submit": "/submit",
    "token": None,
}
#: Every device and every scheme; all of both together in `./test long`.
LOOKS = [("phone", "dark"), ("desk", "light")]
if os.environ.get("SKYSCAN_TEST_LONG"):
    LOOKS += [("phone", "light"), ("desk", "dark")]


def look(device, scheme):
    return {**(PHONE if device == "phone" else DESK), "color_scheme": scheme}


def shoot(page, name):
    if SHOTS:
        os.makedirs(SHOTS, exist_ok=True)
        page.screenshot(path=os.path.join(SHOTS, f"{name}.png"), full_page=not name.startswith("first"))


def settled(page, view):
    if view == "token":
        page.get_by_label("Token").wait_for()
        return
    if view in ("scan", "open"):
        page.locator(".answer b:not(:empty)").first.wait_for()
        page.locator(".files li, .files + *").first.wait_for(state="attached")
        page.wait_for_function(
            "() => !document.querySelector('.lines')?.textContent || document.querySelectorAll('.ticks span').length > 4"
        )
    page.wait_for_load_state("networkidle") if view in ("fleet", "submit") else page.locator("h1").wait_for()


@pytest.mark.parametrize("device, scheme", LOOKS)
@pytest.mark.parametrize("view", VIEWS)
def test_everybody_can_use_it(watched, played, view, device, scheme):
    ids = {"two": played.id(31747601), "open": played.id(221), "failed": played.id(5)}
    address = VIEWS[view] and VIEWS[view].format(**ids)
    w = watched(played.address, token=address and "admin-token", view=address or "/", **look(device, scheme))
    settled(w.page, view)
    for fold in w.page.locator("summary:visible").all():
        fold.click()
    found = Axe().run(w.page).response["violations"]
    assert [(v["id"], [n["target"] for n in v["nodes"]]) for v in found] == []
    wide = w.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, "nothing is to be scrolled sideways"
    w.is_well()


def test_a_scan_is_submitted_and_watched_to_its_end(watched, played):
    w = watched(played.address, view="/submit")
    page = w.page
    page.get_by_label("Choose event files").set_input_files(EVENT)
    page.get_by_label("Priority").select_option("urgent")
    page.get_by_label("Resolutions").fill("8, 32,128")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Run 140001 · Event 77")).to_be_visible()
    expect(page.locator(".badge.urgent")).to_be_visible()
    expect(page.get_by_text("Preliminary", exact=True)).to_be_visible(timeout=20_000)
    expect(page.locator(".badge.done")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Asked for: nside 8, 32, 128")).to_be_visible()
    scan = played.world.scans[page.url.rsplit("/", 1)[1]]
    best = scan.result["best_fit"]
    words = page.locator(".answer").inner_text()
    assert f"{best['ra_deg']:.2f}°" in words and f"+{best['dec_deg']:.2f}°" in words
    assert "Look twice" in words and "second minimum, few DOMs" in words
    rows = page.get_by_role("region", name="Result", exact=True).inner_text()
    assert str(best["ra_deg"]) in rows and scan.result["map_sha256"] in rows
    moments = page.locator(".moments").inner_text()
    assert "Submitted by http ada" in moments and "Preliminary at nside 8" in moments and "Done" in moments
    w.is_well()


def test_the_table_has_what_the_map_has(watched, played):
    scan = played.world.scans[played.id(7637140)]
    page = watched(played.address, view=f"/scan/{scan.id}").page
    page.get_by_text("The map as a table").click()
    rows = page.get_by_role("region", name="The lowest pixels").locator("tbody tr")
    expect(rows).to_have_count(20)
    values = sorted(llh for r in scan.rounds for llh in r["llh"] if llh is not None)[:20]
    told = [float(row.locator("td").nth(1).inner_text()) for row in rows.all()]
    assert told == pytest.approx([2 * (v - values[0]) for v in values], abs=0.006)


def test_what_is_under_the_pointer_is_told(watched, played):
    page = watched(played.address, view=f"/scan/{played.id(7637140)}").page
    page.locator(".answer b:not(:empty)").first.wait_for()
    chart = page.locator("figure.chart").first
    canvas = chart.locator("canvas.sky")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()

    def there(x, y):
        page.mouse.move(box["x"] + x, box["y"] + y)
        return chart.locator(".readout").inner_text()

    expect(chart.locator(".legend")).to_contain_text("90 % region")
    page.wait_for_function(
        "() => document.querySelector('figure.chart .ticks span:last-child')?.textContent.startsWith('≥')"
    )
    # The map is there a moment after its colours: whoever comes before is told that nothing was scanned.
    late = time.monotonic() + 30
    while "not scanned" in there(box["width"] / 2 + 1, box["height"] / 2):
        assert time.monotonic() < late
        there(box["width"] / 2, box["height"] / 2)
    words = there(box["width"] / 2, box["height"] / 2)
    seen = re.search(
        r"RA ([\d.]+)° \(\d\dh \d\dm [\d.]+s\) · Dec ([+−][\d.]+)° \(.*\) · 2Δllh ([\d.]+) · nside 512 · ([\d.]+)° from the best fit",
        words,
    )
    assert seen, words
    assert float(seen[4]) < 0.5 and float(seen[3]) < 10
    # RA grows to the left, declination upwards.
    ra = lambda words: float(re.search(r"RA ([\d.]+)", words)[1])
    dec = lambda words: float(re.search(r"Dec [+]([\d.]+)", words)[1])
    assert ra(there(100, 100)) > ra(there(200, 100))
    assert dec(there(100, 100)) > dec(there(100, 200))


def test_the_map_is_moved_by_mouse_wheel_keys_and_buttons(watched, played):
    page = watched(played.address, view=f"/scan/{played.id(7637140)}").page
    page.locator(".answer b:not(:empty)").first.wait_for()
    chart = page.locator("figure.chart").first
    canvas = chart.locator("canvas.sky")
    page.wait_for_function(
        "() => document.querySelector('figure.chart .ticks span:last-child')?.textContent.startsWith('≥')"
    )
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    readout = chart.locator(".readout")

    def off():
        page.mouse.move(x + 60, y)
        page.mouse.move(x, y)
        return float(re.search(r"([\d.]+)° from", readout.inner_text())[1])

    home = off()
    page.mouse.down()
    page.mouse.move(x + 80, y, steps=4)
    page.mouse.up()
    assert off() > home + 0.2
    chart.get_by_role("button", name="Back to the best fit").click()
    assert off() == pytest.approx(home, abs=0.01)
    canvas.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    told = readout.inner_text()
    assert float(re.search(r"([\d.]+)° from", told)[1]) > home
    expect(page.locator("#announcements")).to_have_text(told)
    page.keyboard.press("0")
    assert off() == pytest.approx(home, abs=0.01)

    def width():
        page.mouse.move(x - 100, y)
        left = float(re.search(r"RA ([\d.]+)", readout.inner_text())[1])
        page.mouse.move(x + 100, y)
        return left - float(re.search(r"RA ([\d.]+)", readout.inner_text())[1])

    wide = width()
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(0)
    assert width() < 0.8 * wide
    chart.get_by_role("button", name="Enlarge").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("figure.chart")).to_have_count(2)


def test_two_fingers_move_the_map_and_one_moves_the_page(watched, played):
    page = watched(played.address, view=f"/scan/{played.id(7637140)}", **look("phone", "dark")).page
    page.locator(".answer b:not(:empty)").first.wait_for()
    chart = page.locator("figure.chart").first
    canvas = chart.locator("canvas.sky")
    expect(page.locator(".scan details.card")).to_contain_text("pixels at nside 512")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    devtools = page.context.new_cdp_session(page)

    def touch(kind, *places):
        devtools.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": a, "y": b, "id": i} for i, (a, b) in enumerate(places)]},
        )

    def far():
        page.touchscreen.tap(x + 100, y)
        return float(re.search(r"([\d.]+)° from", chart.locator(".readout").inner_text())[1])

    before, top = far(), page.evaluate("scrollY")
    touch("touchStart", (x - 20, y), (x + 20, y))
    for spread in range(25, 85, 10):
        touch("touchMove", (x - spread, y), (x + spread, y))
    touch("touchEnd")
    assert far() < 0.6 * before
    assert page.evaluate("scrollY") == top
    touch("touchStart", (x, y))
    for up in range(10, 160, 10):
        touch("touchMove", (x, y - up))
    touch("touchEnd")
    page.wait_for_function(f"scrollY > {top} + 50")


def test_the_direction_is_copied(watched, played):
    w = watched(played.address, view=f"/scan/{played.id(31747601)}", permissions=["clipboard-read", "clipboard-write"])
    w.page.get_by_role("button", name="Copy").click()
    best = played.world.scans[played.id(31747601)].result["best_fit"]
    words = f"{best['ra_deg']:.4f}, {best['dec_deg']:+.4f}"
    expect(w.page.get_by_text(f"Copied {words}")).to_be_visible()
    assert w.page.evaluate("navigator.clipboard.readText()") == words


def test_marks_are_compared_with_the_answer(watched, played):
    w = watched(played.address, view=f"/scan/{played.id(7637140)}")
    page = w.page
    page.locator(".answer b:not(:empty)").first.wait_for()
    field = page.get_by_label("Direction")
    field.fill("nowhere")
    field.press("Enter")
    expect(page.get_by_text("That is no direction.")).to_be_visible()
    field.fill("14:56:30,+41:20:00=<b>blazar")
    field.press("Enter")
    expect(page.locator(".marks")).to_contain_text("<b>blazar RA 224.13° Dec +41.33°")
    expect(page.locator(".marks")).to_contain_text("inside the 50 % region")
    page.reload()
    expect(page.locator(".marks")).to_contain_text("<b>blazar")
    page.get_by_role("button", name="Remove <b>blazar").click()
    expect(page.locator(".marks li")).to_have_count(0)
    w.is_well()


def test_nothing_that_others_say_is_markup(watched, played):
    for view in ("/", f"/scan/{played.id(5)}", f"/scan/{played.id(31747601)}", "/fleet"):
        w = watched(played.address, view=view)
        expect(w.page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()
        assert w.page.locator("main img").count() == 0
        w.is_well()


def test_files_come_with_the_token(watched, played):
    page = watched(played.address, view=f"/scan/{played.id(31747601)}").page
    with page.expect_download() as download:
        page.get_by_role("button", name="Download result.json").click()
    assert (
        json.loads(download.value.path().read_text())["map_sha256"]
        == played.world.scans[played.id(31747601)].result["map_sha256"]
    )
    assert download.value.suggested_filename == "result.json"


def test_the_list_is_filtered_and_kept(watched, played):
    page = watched(played.address).page
    expect(page.locator(".scans li").nth(3)).to_be_visible()
    page.get_by_label("failed").check(force=True)
    expect(page.locator(".scans li")).to_have_count(1)
    expect(page.locator(".scans")).to_contain_text("Run 139003")
    page.reload()
    expect(page.locator(".scans li")).to_have_count(1)
    page.get_by_label("all").check(force=True)
    expect(page.locator(".scans li").nth(3)).to_be_visible()
    first = page.locator(".scans a").first
    first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".scans a").nth(1)).to_be_focused()
    assert page.locator(".scans a[tabindex='0']").count() == 1
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_the_list_lives(watched, fragile):
    page = watched(fragile.address).page
    expect(page.get_by_text("Run 139004")).to_be_visible()
    scan = fragile.world.scans[fragile.id(6)]
    scan.set(state="running", best={"ra_deg": 12.5, "dec_deg": -3.25})
    row = page.locator(".scans li", has_text="Run 139004")
    expect(row).to_contain_text("running")
    expect(row).to_contain_text("12.50°")
    expect(row).to_contain_text("−3.25°")


def test_the_token_stays_out_of_the_address(watched, played):
    w = watched(played.address, token="read-token", view=f"/scan/{played.id(17)}")
    expect(w.page.get_by_role("heading", name="Run 139002")).to_be_visible()
    assert "token" not in w.page.url
    assert w.page.evaluate("sessionStorage.getItem('skyscan-token')") == "read-token"
    assert w.page.evaluate("localStorage.length + document.cookie.length") == 0
    w.page.go_back()
    assert "token=" not in w.page.url
    asked = [path for method, path in played.world.asked]
    assert not any("token" in path.replace("token.js", "").replace("token-view.js", "") for path in asked)


def test_readers_see_no_buttons_that_are_not_theirs(watched, played):
    page = watched(played.address, token="read-token", view=f"/scan/{played.id(6)}").page
    expect(page.get_by_role("heading", name="Run 139004")).to_be_visible()
    expect(page.get_by_role("link", name="Submit")).to_be_hidden()
    expect(page.get_by_role("button", name="Cancel the scan")).to_have_count(0)
    expect(page.get_by_text("rob, read")).to_be_visible()


def test_an_unknown_token_is_asked_for(watched, played):
    page = watched(played.address, token="wrong").page
    expect(page.get_by_role("alert")).to_contain_text("not known")
    page.get_by_label("Token").fill("submit-token")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("sue, submit")).to_be_visible()
    page.get_by_role("button", name="Forget the token").click()
    expect(page.get_by_label("Token")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('skyscan-token')") is None


def test_a_lost_connection_is_told_and_comes_back(watched, fragile):
    w = watched(fragile.address, view=f"/scan/{fragile.id(6)}")
    page = w.page
    expect(page.locator("#link")).to_have_text("live")
    urllib.request.urlopen(f"{fragile.address}-/down")
    expect(page.locator("#lost")).to_contain_text("Connection lost since", timeout=5_000)
    expect(page.locator("#announcements")).to_contain_text("Connection lost")
    fragile.world.scans[fragile.id(6)].row["state"] = "running"
    expect(page.locator("#lost")).to_be_hidden(timeout=20_000)
    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator(".badge.running")).to_be_visible()
    assert w.elsewhere == []


def test_a_refused_event_is_told_in_the_services_words(watched, played):
    w = watched(played.address, view="/submit")
    page = w.page
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_have_text("Choose an event file first.")
    page.get_by_label("Choose event files").set_input_files({**EVENT, "buffer": b"no event"})
    page.get_by_label("Resolutions").fill("8,7")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("powers of two")
    page.get_by_label("Resolutions").fill("")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".outcomes")).to_contain_text(
        "The event cannot be read: It is no JSON of any kind that is known: <img"
    )
    # The browser itself tells of a 400.
    assert [c for c in w.complaints if "400" not in c] == []


def test_files_are_dropped_on_the_form(watched, played):
    page = watched(played.address, view="/submit").page
    page.locator(".drop").wait_for()
    page.evaluate("""() => {
      const data = new DataTransfer();
      data.items.add(new File(['{}'], 'one.json'));
      data.items.add(new File(['{"event": {"run_id": 140001, "event_id": 78}}'], 'two.json'));
      const drop = document.querySelector('.drop');
      for (const name of ['dragenter', 'dragover', 'drop']) drop.dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
    }""")
    expect(page.locator(".chosen li")).to_have_count(2)
    page.get_by_role("button", name="Submit").click()
    expect(page.locator(".outcomes li", has_text="one.json")).to_contain_text("cannot be read")
    expect(page.locator(".outcomes li", has_text="two.json")).to_contain_text("Run 140001 · Event 78")


def test_every_doubt_has_words(watched, played):
    known = watched(played.address, token=None).page.evaluate("import('./words.js').then((m) => m.DOUBTS)")
    documented = (pathlib.Path(__file__).parents[3] / "docs" / "analyst.md").read_text()
    table = documented.split("| `quality` | it means |")[1].split("\n\n")[0]
    assert sorted(known) == sorted(re.findall(r"^\| `(\w+)` \|", table, re.M))


def test_tabs_that_nobody_looks_at_give_their_connection_back(watched, fragile):
    w = watched(fragile.address, token=None)
    page = w.page
    page.clock.install()
    page.goto(f"{fragile.address}#token=admin-token&/scan/{fragile.id(6)}")
    page.reload()
    expect(page.locator("#link")).to_have_text("live")
    hide = "(is) => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => is }); document.dispatchEvent(new Event('visibilitychange')); }"
    before = len(fragile.world.asked)
    fragile.world.left.clear()
    page.evaluate(hide, True)
    page.clock.fast_forward(31_000)
    deadline = time.monotonic() + 10
    while fragile.world.listeners and time.monotonic() < deadline:
        # The service notices with one of its next lines that nobody reads.
        fragile.world.scans[fragile.id(6)].set(priority="normal")
        fragile.world.left.wait(0.05)
    assert fragile.world.listeners == []
    # Glances now and then do not count as lost, nor does having none.
    page.clock.fast_forward(31_000)
    expect(page.locator("#link")).to_have_text("live")
    assert page.locator("#lost").is_hidden()
    fragile.world.scans[fragile.id(6)].set(priority="urgent")
    page.evaluate(hide, False)
    expect(page.locator(".badge.urgent")).to_be_visible()
    assert len([p for m, p in fragile.world.asked[before:] if p.endswith("/events")]) >= 1
    w.is_well()


def test_cancelling_takes_two_taps(watched, fragile):
    page = watched(fragile.address, view=f"/scan/{fragile.id(6)}").page
    scan = fragile.world.scans[fragile.id(6)]
    page.get_by_role("button", name="urgent").press("Enter")
    expect(page.locator(".badge.urgent")).to_be_visible()
    expect(page.get_by_role("button", name="urgent", pressed=True)).to_be_focused()
    page.get_by_role("button", name="Cancel the scan").click()
    assert not scan.stop.is_set()
    page.get_by_role("button", name="Really cancel?").click()
    expect(page.get_by_text("It is being cancelled.")).to_be_visible()
    assert scan.stop.is_set()


def test_the_keyboard_skips_to_the_content(watched, played):
    page = watched(played.address).page
    page.locator(".scans li").first.wait_for()
    page.locator("body").press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert page.url.endswith("#/")


def test_three_million_pixels_leave_the_page_usable(watched):
    big = Played(is_big=True, with_examples=False)
    w = watched(big.address, token=None)
    w.context.add_init_script(
        "window.longest = 0; new PerformanceObserver((l) => { for (const e of l.getEntries()) longest = Math.max(longest, e.duration); }).observe({ type: 'longtask', buffered: true });"
    )
    page = w.page
    page.goto(f"{big.address}#token=admin-token&/scan/{big.id(3000000)}")
    page.reload()
    expect(page.locator(".scan details.card")).to_contain_text("3,145,728 pixels at nside 512")
    page.get_by_text("The map as a table").click()
    canvas = page.locator("canvas.sky").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 230, steps=30)
    page.mouse.up()
    # A task of the page's thread that takes longer than this is felt; parsing this map takes seconds.
    assert page.evaluate("longest") < 400
    big.server.shutdown()
    w.is_well()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_answer_and_its_worth_are_in_the_first_screen_of_a_phone(watched, played, scheme):
    page = watched(played.address, view=f"/scan/{played.id(31747601)}", **look("phone", scheme)).page
    for words in ("30.41°", "+6.80°", "1.69 deg²", "Look twice"):
        box = page.locator(".answer").get_by_text(words).first.bounding_box()
        assert box["y"] + box["height"] < 640, words
    shoot(page, f"first-{scheme}")


@pytest.mark.parametrize("device, scheme", LOOKS)
def test_pictures_are_taken(watched, played, device, scheme):
    if not SHOTS:
        pytest.skip("SHOTS names no folder")
    ids = {"two": played.id(31747601), "open": played.id(221), "failed": played.id(5)}
    for view, address in VIEWS.items():
        w = watched(
            played.address, token=address and "admin-token", view=(address or "/").format(**ids), **look(device, scheme)
        )
        settled(w.page, view)
        # The fine painting comes after the rough one.
        w.page.wait_for_timeout(900)
        shoot(w.page, f"{view}-{device}-{scheme}")
