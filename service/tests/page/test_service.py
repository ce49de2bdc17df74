"""The page over the real service, whose engine plays: what the page says is what the service's JSON says."""

import json
import re
import urllib.request

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from conftest import PHONE


def event(number, **more):
    return {
        "name": f"alert-{number}.json",
        "mimeType": "application/json",
        "buffer": json.dumps({"run_id": 138632, "event_id": number, **more}).encode(),
    }


def told(address, token, path):
    request = urllib.request.Request(f"{address}api/v1/{path}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def submit(page, *events):
    page.get_by_label("Choose event files").set_input_files(list(events))
    page.get_by_role("button", name="Submit").click()


def test_a_scan_from_the_form_to_its_files(watched, real):
    address, token = real
    w = watched(address, token=token, view="/submit")
    page = w.page
    page.get_by_label("Priority").select_option("urgent")
    page.get_by_label("Resolutions").fill("8,64,512")
    submit(page, event(31747601, seconds=4))
    expect(page.get_by_role("heading", name="Run 138632 · Event 31747601")).to_be_visible()
    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator(".rounds li").first).to_be_visible()
    expect(page.locator(".verdict")).to_contain_text(re.compile("Preliminary|Stable"))
    expect(page.locator(".badge.done, .badge.incomplete")).to_be_visible(timeout=30_000)
    name = page.url.rsplit("/", 1)[1]
    result = told(address, token, f"scans/{name}/result")
    scan = told(address, token, f"scans/{name}")
    assert scan["scan"]["settings"]["nside"] == [8, 64, 512] and scan["scan"]["priority"] == "urgent"

    table = page.get_by_role("region", name="Result", exact=True)
    best = result["best_fit"]
    expect(table).to_contain_text(str(best["ra_deg"]))
    expect(table).to_contain_text(str(best["dec_deg"]))
    words = page.locator(".answer").inner_text()
    assert f"{best['ra_deg'] % 360:.2f}°" in words and f"{abs(best['dec_deg']):.2f}°" in words
    rows = page.get_by_role("region", name="Regions").locator("tbody tr")
    expect(rows).to_have_count(len(scan["contour"]["regions"]))
    for row, region in zip(rows.all(), scan["contour"]["regions"]):
        cells = row.locator("td").all_inner_texts()
        assert float(cells[0].split()[0].replace(",", "")) == float(f"{region['area_deg2']:.3g}")
        assert cells[1] == ("yes" if region["is_closed"] else "no")

    sky = told(address, token, f"scans/{name}/map")
    page.get_by_text("The map as a table").click()
    for of in sky["rounds"]:
        expect(page.locator(".scan details.card")).to_contain_text(
            f"{len(of['pixels']):,} pixels at nside {of['nside']}"
        )
    hits = told(address, token, f"scans/{name}/hits")
    expect(page.get_by_text(f"{len(hits):,} DOMs saw")).to_be_visible()
    files = told(address, token, f"scans/{name}/files")["files"]
    expect(page.locator(".files li")).to_have_count(len(files))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download result.json").click()
    assert json.loads(download.value.path().read_text()) == result
    assert Axe().run(page).response["violations"] == []
    w.is_well()


def test_the_same_alert_is_the_same_scan_and_another_setting_is_another(watched, real):
    address, token = real
    w = watched(address, token=token, view="/submit")
    page = w.page
    submit(page, event(11, seconds=1), event(12, seconds=1), event(11, seconds=1))
    expect(page.locator(".outcomes li")).to_have_count(3)
    expect(page.locator(".outcomes")).to_contain_text("was here already")
    page.locator(".outcomes a").first.click()
    expect(page.locator(".badge.done, .badge.incomplete")).to_be_visible(timeout=30_000)
    before = page.url
    page.get_by_text("Scan again with other settings").click()
    page.get_by_label("Reconstruction").fill("nothing")
    page.get_by_role("button", name="Scan again").click()
    expect(page.locator(".writes [role=status]")).to_contain_text("there is no reconstruction nothing")
    page.get_by_label("Reconstruction").fill("segmented")
    page.get_by_role("button", name="Scan again").click()
    page.wait_for_url(lambda url: url != before)
    expect(page.get_by_text("Asked for: reco segmented")).to_be_visible()


def test_a_scan_is_cancelled_and_begun_again(watched, real):
    address, token = real
    w = watched(address, token=token, view="/submit", **PHONE)
    page = w.page
    submit(page, event(21, seconds=8))
    page.get_by_role("button", name="Cancel the scan").click()
    page.get_by_role("button", name="Really cancel?").click()
    expect(page.locator(".badge.cancelled")).to_be_visible()
    expect(page.locator(".verdict")).to_contain_text("Cancelled")
    page.get_by_text("Scan again with other settings").click()
    page.get_by_role("button", name="Scan again").click()
    expect(page.locator(".badge.done, .badge.incomplete")).to_be_visible(timeout=30_000)


def test_a_failed_scan_says_why(watched, real):
    address, token = real
    w = watched(address, token=token, view="/submit")
    page = w.page
    submit(page, event(31, seconds=1, fail="<b>three workers</b> could not do it"))
    expect(page.locator(".badge.failed")).to_be_visible(timeout=20_000)
    expect(page.locator(".verdict")).to_contain_text("<b>three workers</b> could not do it")
    submit_again = w.page
    submit_again.get_by_role("link", name="Submit").click()
    submit(submit_again, {**event(32), "buffer": b"broken"})
    expect(page.locator(".outcomes")).to_contain_text("the file ends before its first frame")


def test_the_list_follows_what_others_submit(watched, real):
    address, token = real
    seen = watched(address, token=token)
    expect(seen.page.locator("#link")).to_have_text("live")
    other = watched(address, token=token, view="/submit")
    submit(other.page, event(41, seconds=3))
    row = seen.page.locator(".scans li", has_text="Event 41")
    expect(row).to_contain_text("running")
    expect(row).to_contain_text("°")
    expect(row.locator(".badge.done, .badge.incomplete")).to_be_visible(timeout=20_000)
    seen.is_well()


def test_the_fleet_is_told(watched, real):
    address, token = real
    w = watched(address, token=token, view="/fleet")
    fleet = told(address, token, "fleet")
    for worker in fleet["workers"]:
        expect(w.page.get_by_role("region", name="Workers")).to_contain_text(worker["worker"])
        if worker.get("put_aside"):
            expect(w.page.get_by_role("region", name="Workers")).to_contain_text(worker["put_aside"])
    w.is_well()
