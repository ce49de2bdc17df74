"""Parts of the page that compute, asked one by one."""

import math
import pathlib
import re

import pytest


@pytest.fixture(scope="module")
def part(chromium, played):
    context = chromium.new_context()
    page = context.new_page()
    page.goto(played.address)

    def ask(module, expression, argument=None):
        return page.evaluate(
            f"async (a) => {{ const m = await import('./{module}.js'); return ({expression}); }}", argument
        )

    yield ask
    context.close()


@pytest.mark.parametrize(
    "text, ra, dec",
    [
        ("138.6,-0.1", 138.6, -0.1),
        ("09h14m24s,-00d06m00s", 138.6, -0.1),
        ("09:14:24,-00:06:00", 138.6, -0.1),
        (" 14:57:53 , +41:06:48 ", 224.470833, 41.113333),
        ("gal:0,0", 266.404988, -28.936178),
        ("gal:228.9,30.4", 136.823101, 1.121215),
    ],
)
def test_directions_are_read_as_the_command_line_does(part, text, ra, dec):
    told = part("angles", "m.parsed(a)", text)
    assert told["ra_deg"] == pytest.approx(ra, abs=1e-5)
    assert told["dec_deg"] == pytest.approx(dec, abs=1e-5)


@pytest.mark.parametrize(
    "text", ["", "1", "1,2,3", "a,b", "10,91", "10,-90.1", "12:60:00,1", "361,0", "1e999,0", "<b>,1", "NaN,0"]
)
def test_what_is_no_direction_is_none(part, text):
    assert part("angles", "m.parsed(a)", text) is None


@pytest.mark.parametrize(
    "deg, words",
    [
        (0, "00h 00m 00.0s"),
        (30.41015625, "02h 01m 38.4s"),
        (359.99999, "00h 00m 00.0s"),
        (14.9998333, "01h 00m 00.0s"),
        (-15, "23h 00m 00.0s"),
    ],
)
def test_hours_carry(part, deg, words):
    assert part("angles", "m.hours(a)", deg) == words


@pytest.mark.parametrize(
    "deg, words",
    [(6.804940, "+06° 48′ 18″"), (-0.00001, "+00° 00′ 00″"), (-0.5, "−00° 30′ 00″"), (89.99999, "+90° 00′ 00″")],
)
def test_declinations_carry(part, deg, words):
    assert part("angles", "m.sexagesimal(a)", deg) == words


@pytest.mark.parametrize(
    "kind",
    [
        "new m.FullSky()",
        "new m.Around({ra_deg: 30, dec_deg: 7}, 5)",
        "new m.Around({ra_deg: 359.9, dec_deg: -89.5}, 20)",
        "new m.Around({ra_deg: 200, dec_deg: 80}, 90)",
    ],
)
@pytest.mark.parametrize("place", [(300, 200), (250, 150), (333, 260), (299, 120)])
def test_sky_and_canvas_are_each_others_inverse(part, kind, place):
    there = part(
        "projection",
        f"(() => {{ const p = {kind}; p.fit(600, 400); const s = m.sky(p, a[0], a[1]); return s && p.page(s); }})()",
        list(place),
    )
    assert there == pytest.approx(list(place), abs=1e-6)


def test_right_ascension_grows_to_the_left(part):
    for kind in ("new m.FullSky()", "new m.Around({ra_deg: 180, dec_deg: 0}, 5)"):
        left, right = part(
            "projection",
            f"(() => {{ const p = {kind}; p.fit(600, 400); return [p.page({{ra_deg: 181, dec_deg: 1}}), p.page({{ra_deg: 179, dec_deg: 0}})]; }})()",
        )
        assert left[0] < 300 < right[0]
        assert left[1] < right[1]


@pytest.mark.parametrize("kind", ["new m.FullSky()", "new m.Around({ra_deg: 30, dec_deg: 7}, 5)"])
def test_what_is_under_the_pointer_stays_there(part, kind):
    before, after = part(
        "projection",
        f"(() => {{ const p = {kind}; p.fit(600, 400); const s = m.sky(p, 340, 190); p.magnify(2, 340, 190); const after = m.sky(p, 340, 190); return [s, after]; }})()",
    )
    far = math.hypot(before["ra_deg"] - after["ra_deg"], before["dec_deg"] - after["dec_deg"])
    assert far < 0.5


def test_the_finest_fit_of_a_direction_is_seen(part):
    told = part(
        "lookup",
        """(async () => {
          const h = await import('./healpix.js');
          const coarse = { nside: 2, pixels: [...Array(48).keys()], llh: Array(48).fill(110) };
          const at = { z: 0.3, s: Math.sqrt(1 - 0.09), phi: 1 };
          const fine = h.pixelAt(64, at.z, at.s, at.phi);
          const failed = fine + 1;
          const map = m.arrange([{ nside: 64, pixels: [fine, failed], llh: [100, null] }, coarse]);
          const f = h.centre(64, failed);
          return [m.valueAt(map, at.z, at.s, at.phi), m.valueAt(map, -0.9, Math.sqrt(1 - 0.81), 4), String(m.valueAt(map, f.z, f.s, f.phi)), map.best, map.failed];
        })()""",
    )
    assert told[:3] == [0, 20, "NaN"]
    assert told[3]["nside"] == 64 and told[3]["llh"] == 100 and told[4] == 1


def test_hashed_and_whole_rounds_say_the_same(part):
    same = part(
        "lookup",
        """(async () => {
          const h = await import('./healpix.js');
          const n = 2048;
          let seed = 7;
          const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
          const pixels = [...new Set(Array.from({ length: 5000 }, () => Math.floor(random() * 12 * n * n)))];
          const llh = pixels.map((p) => 500 + (p % 977));
          const map = m.arrange([{ nside: n, pixels, llh }]);
          const best = Math.min(...llh);
          const wrong = pixels.filter((p, i) => { const c = h.centre(n, p); return m.valueAt(map, c.z, c.s, c.phi) !== 2 * (llh[i] - best); }).length;
          const c = h.centre(n, 3);
          return [wrong, map.rounds[0].keys !== null, m.valueAt(map, c.z, c.s, c.phi) === Infinity];
        })()""",
    )
    assert same == [0, True, True]


def test_marks_know_which_regions_hold_them(part):
    square = [[9, -1], [11, -1], [11, 1], [9, 1]]
    contour = {"best": {"ra_deg": 10, "dec_deg": 0}, "regions": [{"containment": 0.9, "outlines": [square]}]}
    assert (
        part("marks", "m.relation(...a)", [{"ra_deg": 10.5, "dec_deg": 0.5}, contour])
        == "0.707° from the best fit, inside the 90 % region"
    )
    assert (
        part("marks", "m.relation(...a)", [{"ra_deg": 13, "dec_deg": 0}, contour])
        == "3° from the best fit, outside of all regions"
    )
    around = [[359, 88], [90, 88], [180, 88], [270, 88]]
    pole = {"best": {"ra_deg": 0, "dec_deg": 89}, "regions": [{"containment": 0.5, "outlines": [around]}]}
    assert part("marks", "m.relation(...a)", [{"ra_deg": 200, "dec_deg": 89.5}, pole]).endswith(
        "inside the 50 % region"
    )


def test_streams_are_cut_into_events_wherever_they_break(part):
    text = ':\n\nevent: state\ndata: {"a":\ndata: 1}\n\nevent: progress\r\ndata: 2\r\n\r\ndata: no json\n\n'
    for size in (1, 2, 3, 7, len(text)):
        pieces = [text[i : i + size] for i in range(0, len(text), size)]
        told = part(
            "stream",
            "(() => { const all = []; const take = m.parser((...e) => all.push(e)); for (const p of a) take(p); return all; })()",
            pieces,
        )
        assert told == [["state", {"a": 1}], ["progress", 2]], size


def test_no_file_reads_markup_or_leads_elsewhere():
    files = [f for f in (pathlib.Path(__file__).parents[2] / "page").iterdir()]
    assert len(files) > 20
    for file in files:
        text = file.read_text()
        markup = re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc", text)
        assert markup is None, (file.name, markup)
        addresses = set(re.findall(r"https?://[^\s'\"]+", text)) - {"http://www.w3.org/2000/svg"}
        assert addresses == set(), file.name
