"""A service that plays: enough of `skyscan serve` to look at the page without one, and to do to it what a service does not
do on request (die, refuse, hang up, send three million pixels, say `<img onerror>`).

    python playing.py [--port 8899] [--under /sky] [--seconds 20] [--big]

Prints the address of the page. Its likelihood is two bowls; the values are made up.
"""

import argparse
import json
import math
import mimetypes
import pathlib
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import healpy
import numpy as np

PAGE = pathlib.Path(__file__).parents[2] / "page"
TOKENS = {"admin-token": ("ada", "admin"), "submit-token": ("sue", "submit"), "read-token": ("rob", "read")}
CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
EVIL = "<img src=x onerror=alert(1)>"
ENDS = ("done", "incomplete", "failed", "cancelled")


def vectors(ra, dec):
    ra, dec = np.radians(ra), np.radians(dec)
    return np.array([np.cos(ra) * np.cos(dec), np.sin(ra) * np.cos(dec), np.sin(dec)])


class Sky:
    """Two bowls somewhere, and refinement around the lower one."""

    def __init__(self, ra, dec, width=0.35, island=True, fails=False):
        self.best, self.width, self.fails = (ra, dec), width, fails
        self.second = (ra + 3.2 / max(0.05, math.cos(math.radians(dec))), max(-90, dec - 0.3)) if island else None

    def llh(self, ra, dec):
        at = vectors(ra, dec)

        def bowl(middle, floor, width):
            cos = np.clip(vectors(*middle) @ at, -1, 1)
            angle = np.degrees(np.arccos(cos))
            return floor + 160 * np.log1p((angle / width) ** 2 / 320)

        value = bowl(self.best, 668.594, self.width)
        if self.second:
            value = np.minimum(value, bowl(self.second, 668.594 + 3.1, self.width))
        return value + 6 * np.sin(np.radians(3 * ra)) * np.cos(np.radians(2 * dec)) * (value > 700)

    def round(self, nside, coarser):
        if coarser is None:
            pixels = np.arange(12 * nside * nside)
        else:
            n, _ = coarser
            reach = 3.2 * np.degrees(healpy.nside2resol(n))
            near = set(healpy.query_disc(nside, vectors(*self.best), np.radians(reach)))
            if self.second:
                near |= set(healpy.query_disc(nside, vectors(*self.second), np.radians(reach * 0.6)))
            pixels = np.array(sorted(near))
        ra, dec = healpy.pix2ang(nside, pixels, lonlat=True)
        llh = [float(v) for v in self.llh(ra, dec)]
        if self.fails and coarser is None:
            for i in range(300, 306):
                llh[i] = None
        return pixels.tolist(), llh


def outline(ra, dec, radius, n=72):
    points = []
    for k in range(n):
        a = 2 * math.pi * k / n
        r = radius * (1 + 0.2 * math.cos(2 * a) + 0.08 * math.sin(3 * a))
        d = max(-90, min(90, dec + r * math.sin(a)))
        points.append([(ra + r * math.cos(a) / max(0.02, math.cos(math.radians(d)))) % 360, d])
    return points


class Scan:
    def __init__(
        self,
        world,
        run,
        event,
        sky,
        nsides=(8, 32, 128, 512),
        settings=None,
        priority="normal",
        quality=(),
        seconds=20.0,
        state="running",
        error=None,
    ):
        self.world, self.sky, self.nsides, self.seconds = world, sky, list(nsides), seconds
        self.id = f"run{run:08}-event{event}-{abs(hash((run, event, str(settings)))) % 16**8:08x}"
        self.row = {
            "id": self.id,
            "state": state,
            "priority": priority,
            "settings": settings or {},
            "event": {"run_id": run, "event_id": event, "mjd": 60310.25},
            "from": "http ada",
            "submitted": stamp(),
            "quality": [],
        }
        if error:
            self.row["error"] = error
        self.final_quality = list(quality)
        self.rounds, self.progress, self.contour, self.result = [], None, None, None
        self.version, self.etag_version = 0, 0
        self.stop = threading.Event()

    def changed(self, name, value):
        self.world.tell(self, name, value)

    def set(self, **values):
        self.row.update(values)
        self.changed("state", self.row)

    def play(self):
        self.set(state="running", begun=stamp())
        planned, coarser = [], None
        for index, nside in enumerate(self.nsides):
            pixels, llh = self.sky.round(nside, coarser)
            planned.append({"nside": nside, "is_systematic": False, "n_done": 0, "n_planned": len(pixels)})
            order = np.argsort([hash((p, nside)) % 1009 for p in pixels])
            steps = 12
            self.rounds.append({"nside": nside, "pixels": [], "llh": []})
            for step in range(steps):
                if self.stop.wait(self.seconds / steps / len(self.nsides)):
                    self.set(state="cancelled", ended=stamp())
                    return
                some = order[step * len(order) // steps : (step + 1) * len(order) // steps]
                with self.world.lock:
                    self.rounds[-1]["pixels"] += [pixels[i] for i in some]
                    self.rounds[-1]["llh"] += [llh[i] for i in some]
                planned[-1]["n_done"] = len(self.rounds[-1]["pixels"])
                self.etag_version += 1
                left = len(pixels) - planned[-1]["n_done"]
                self.progress = {
                    "rounds": json.loads(json.dumps(planned)),
                    "pixels_per_s": len(pixels) / (self.seconds / len(self.nsides)),
                    "n_out": 8 if left else 3,
                    "n_waiting": max(0, left - 64),
                    "n_slots": 16,
                    "seconds_left": self.seconds / len(self.nsides) * (1 - step / steps),
                }
                self.changed("progress", self.progress)
            coarser = (nside, pixels)
            self.settle(nside, is_stable=index == len(self.nsides) - 1)
        self.end()

    def settle(self, nside, is_stable):
        grow = 1 + 40 / nside
        ra, dec = self.best()
        regions = []
        for containment, radius in ((0.5, 0.39), (0.9, 0.68)):
            outlines = [outline(ra, dec, radius * grow * self.sky.width / 0.35)]
            if containment == 0.9 and self.sky.second:
                outlines.append(outline(*self.sky.second, 0.21 * grow))
            regions.append(
                {
                    "containment": containment,
                    "area_deg2": math.pi * (radius * grow * self.sky.width / 0.35) ** 2,
                    "is_closed": "open" not in self.final_quality,
                    "outlines": outlines,
                }
            )
        self.contour = {
            "is_stable": is_stable,
            "nside": nside,
            "best": {"ra_deg": ra, "dec_deg": dec},
            "regions": regions,
        }
        self.row["best"] = self.contour["best"]
        if regions[-1]["is_closed"]:
            self.row["area_deg2"] = regions[-1]["area_deg2"]
        self.changed("contour", self.contour)
        self.changed("state", self.row)

    def best(self):
        low = min(((l, -r["nside"], p) for r in self.rounds for p, l in zip(r["pixels"], r["llh"]) if l is not None))
        ra, dec = healpy.pix2ang(-low[1], low[2], lonlat=True)
        return float(ra), float(dec)

    def end(self):
        regions = [
            {
                "containment": r["containment"],
                "level": level,
                "contour_level": level,
                "area_deg2": r["area_deg2"],
                "closed": r["is_closed"],
                "gaps": [],
                "ra_plus_deg": 3.48,
                "ra_minus_deg": 0.85,
                "dec_plus_deg": 0.52,
                "dec_minus_deg": 0.78,
            }
            for r, level in zip(self.contour["regions"], (2.88, 8.63))
        ]
        self.result = {
            "event": self.row["event"],
            "reco": "photon-mpe",
            "numerics": 3,
            "transport": "memory:",
            "best_fit": {**self.contour["best"], "zenith_deg": 96.92, "azimuth_deg": 249.67, "llh": 668.594},
            "regions": regions,
            "quality": self.final_quality,
            "tasks": {"planned": 224, "accepted": 224, "duplicate": 0, "lost": 0, "failed": 0},
            "pixels": {str(r["nside"]): len(r["pixels"]) for r in self.rounds},
            "failed_pixels": {},
            "complete": True,
            "ending": "fulfilled",
            "wall_seconds": self.seconds,
            "cpu_seconds": 3.0,
            "busy_seconds": 3.1,
            "map_sha256": "3267df5c809ce2145ff5ed4c8ceedf41047e3ced0a09be81754abb883e79dcab",
            "files": [],
            "files_failed": [],
        }
        if self.sky.second:
            self.result["second_minimum"] = {
                "ra_deg": self.sky.second[0] % 360,
                "dec_deg": self.sky.second[1],
                "llh": 671.7,
                "excess": 6.2,
                "separation_deg": 3.2,
            }
        state = "incomplete" if "incomplete" in self.final_quality else "done"
        self.etag_version += 1
        self.set(state=state, ended=stamp(), quality=self.final_quality)

    def at_once(self):
        coarser = None
        for nside in self.nsides:
            pixels, llh = self.sky.round(nside, coarser)
            self.rounds.append({"nside": nside, "pixels": pixels, "llh": llh})
            coarser = (nside, pixels)
        self.row.update(begun=stamp(-self.seconds), submitted=stamp(-self.seconds - 1))
        self.settle(self.nsides[-1], True)
        self.end()


def stamp(ahead=0.0):
    now = time.time() + ahead
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03}Z"


def hits():
    rng = np.random.default_rng(4)
    along = np.linspace(-600, 600, 130)
    out = []
    for s in along:
        x, y, z = 0.8 * s + rng.normal(0, 25), -0.5 * s + rng.normal(0, 25), 0.35 * s + rng.normal(0, 40)
        out.append(
            {
                "position_m": [x, y, z],
                "time_ns": float((s + 600) / 0.3 + rng.exponential(60)),
                "charge_pe": float(rng.exponential(3) + 0.3 + (40 if abs(s) < 40 else 0)),
            }
        )
    return out


class World:
    def __init__(self, seconds):
        self.lock, self.scans, self.listeners, self.seconds = threading.RLock(), {}, [], seconds
        self.is_down = False
        self.asked = []
        #: Set once somebody who listened has left.
        self.left = threading.Event()

    def add(self, scan):
        with self.lock:
            self.scans[scan.id] = scan
        return scan

    def tell(self, scan, name, value):
        text = json.dumps(value)
        with self.lock:
            for listener in list(self.listeners):
                if listener["id"] in (None, scan.id) and (listener["id"] or name == "state"):
                    listener["queue"].append(f"event: {name}\ndata: {text}\n\n")
                    listener["wake"].set()


def handler(world, under):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, status, body, kind="application/json", headers=()):
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", CSP)
            self.send_header("X-Content-Type-Options", "nosniff")
            for name, value in headers:
                self.send_header(name, value)
            try:
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                # Whoever asked has left.
                self.close_connection = True

        def problem(self, status, title, detail):
            self.answer(status, {"title": title, "detail": detail, "status": status}, "application/problem+json")

        def role(self):
            return TOKENS.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))

        def route(self, method):
            world.asked.append((method, self.path))
            path, _, query = self.path.partition("?")
            if world.is_down:
                self.close_connection = True
                return
            if not path.startswith(under + "/"):
                self.problem(404, "Nothing is here", "")
                return
            path = path[len(under) + 1 :]
            if path in ("-/down", "-/cut"):
                # The test's own doors.
                with world.lock:
                    for listener in world.listeners:
                        listener["dead"] = True
                        listener["wake"].set()
                self.answer(200, {})
                if path == "-/down":
                    world.is_down = True
                    threading.Timer(6, lambda: setattr(world, "is_down", False)).start()
                return
            if not path.startswith("api/v1/"):
                file = PAGE / (path or "index.html")
                if file.parent != PAGE or not file.is_file():
                    self.problem(404, "Nothing is here", "")
                    return
                kind = "text/javascript" if file.suffix == ".js" else mimetypes.guess_type(file.name)[0]
                self.answer(200, file.read_bytes(), kind)
                return
            who = self.role()
            if not who:
                self.problem(401, "Who is asking?", "Give a token.")
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if method != "GET" and who[1] == "read":
                self.problem(403, "That is not allowed", "This token may read only.")
                return
            self.api(method, path.removeprefix("api/v1/"), query, body, who)

        def api(self, method, path, query, body, who):
            if path == "whoami":
                self.answer(200, {"name": who[0], "role": who[1]})
            elif path == "fleet":
                self.answer(200, fleet())
            elif path == "events":
                self.stream(None)
            elif path == "scans" and method == "GET":
                wanted = dict(p.split("=") for p in query.split("&") if "=" in p)
                with world.lock:
                    rows = sorted((s.row for s in world.scans.values()), key=lambda r: r["submitted"], reverse=True)
                rows = [r for r in rows if wanted.get("state", r["state"]) == r["state"]]
                self.answer(200, {"scans": rows[: int(wanted.get("limit", 50))]})
            elif path == "scans":
                self.submit(body)
            else:
                _, name, *rest = path.split("/")
                scan = world.scans.get(name)
                if not scan:
                    self.problem(404, "There is no such scan", name)
                else:
                    self.one(method, scan, rest, query, body)

        def submit(self, body):
            parts = dict(re.findall(rb'name="(\w+)".*?\r\n\r\n(.*?)\r\n--', body, re.S))
            try:
                event = json.loads(parts[b"event"])["event"]
            except (KeyError, ValueError):
                self.problem(400, "The event cannot be read", f"It is no JSON of any kind that is known: {EVIL}")
                return
            settings = json.loads(parts.get(b"settings", b"{}"))
            scan = Scan(
                world,
                event["run_id"],
                event["event_id"],
                Sky(30.4, 6.8),
                nsides=settings.get("nside") or (8, 32, 128, 512),
                settings=settings,
                priority=parts.get(b"priority", b"normal").decode(),
                quality=["second_minimum", "few_doms"],
                seconds=world.seconds,
                state="queued",
            )
            if scan.id in world.scans:
                self.answer(200, world.scans[scan.id].row)
                return
            world.add(scan)
            self.answer(201, scan.row, headers=[("Location", f"scans/{scan.id}")])
            world.tell(scan, "state", scan.row)
            threading.Thread(target=scan.play, daemon=True).start()

        def one(self, method, scan, rest, query, body):
            match rest:
                case []:
                    self.answer(200, {"scan": scan.row, "progress": scan.progress, "contour": scan.contour})
                case ["events"]:
                    self.stream(scan)
                case ["map"]:
                    etag = f'"{scan.etag_version}"'
                    if self.headers.get("If-None-Match") == etag:
                        self.answer(304, b"")
                        return
                    with world.lock:
                        text = json.dumps({"rounds": scan.rounds}).encode()
                    self.answer(200, text, headers=[("ETag", etag)])
                case ["hits"]:
                    self.answer(200, hits())
                case ["result"] if scan.result:
                    self.answer(200, scan.result)
                case ["files"]:
                    self.answer(
                        200,
                        {"files": [{"name": "result.json", "size": 1234}, {"name": f"{EVIL}.txt", "size": 7_654_321}]},
                    )
                case ["files", _]:
                    self.answer(200, scan.result or {})
                case ["cancel"]:
                    scan.stop.set()
                    self.answer(200, scan.row)
                case ["priority"]:
                    scan.set(priority=json.loads(body)["priority"])
                    self.answer(200, scan.row)
                case _:
                    self.problem(404, "Nothing is here", "/".join(rest))

        def stream(self, scan):
            listener = {"id": scan and scan.id, "queue": [], "wake": threading.Event(), "dead": False}
            with world.lock:
                if scan:
                    for name, value in (("state", scan.row), ("progress", scan.progress), ("contour", scan.contour)):
                        if value:
                            listener["queue"].append(f"event: {name}\ndata: {json.dumps(value)}\n\n")
                world.listeners.append(listener)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                while not listener["dead"]:
                    listener["wake"].clear()
                    with world.lock:
                        queue, listener["queue"] = listener["queue"], []
                    self.wfile.write("".join(queue).encode() or b": here\n\n")
                    self.wfile.flush()
                    if scan and scan.row["state"] in ENDS and not listener["queue"]:
                        break
                    listener["wake"].wait(10)
            except OSError:
                pass
            with world.lock:
                world.listeners.remove(listener)
            world.left.set()

        def do_GET(self):
            self.route("GET")

        def do_POST(self):
            self.route("POST")

        def do_PUT(self):
            self.route("PUT")

    return Handler


def fleet():
    workers = [
        {
            "worker": f"{0x3FA9 + 977 * i:08x}",
            "slots": 8,
            "recos": ["photon-mpe", "cascade"],
            "build": "skyscan 0.9.0",
            "since_s": 4000.0 + 60 * i,
            "n_results": 9000 + i,
        }
        for i in range(6)
    ]
    workers[3]["put_aside"] = f"external program ended with status 3: {EVIL}"
    return {
        "transport": "zmqs://observatory:5555",
        "workers": workers,
        "traffic": {
            "messages_sent": 81234,
            "messages_received": 80123,
            "bytes_sent": 12_345_678,
            "bytes_received": 98_765_432,
        },
    }


def begin(port=0, under="", seconds=20.0, is_big=False, with_examples=True):
    world = World(seconds)
    if with_examples:
        for args in (
            dict(run=136766, event=7637140, sky=Sky(224.12, 41.31, 0.5, island=False), quality=()),
            dict(run=138632, event=31747601, sky=Sky(30.41, 6.8), quality=("second_minimum", "few_doms")),
            dict(
                run=139001,
                event=221,
                sky=Sky(350.2, -71.3, 1.4, island=False, fails=True),
                quality=("open", "incomplete", "failed_pixels"),
            ),
            dict(run=139002, event=17, sky=Sky(12.0, 89.2, 0.4, island=False), quality=("saturated_light",)),
        ):
            world.add(Scan(world, **args, seconds=240.0)).at_once()
        failed = world.add(
            Scan(
                world, 139003, 5, Sky(1, 1), state="failed", error=f"modules with light are not in the detector: {EVIL}"
            )
        )
        failed.row["ended"] = stamp()
        world.add(Scan(world, 139004, 6, Sky(1, 1), state="queued", priority="background"))
    if is_big:
        big = Scan(world, 140000, 3000000, Sky(83.6, 22.0), nsides=(8, 512), quality=(), seconds=600.0)
        big.sky.round = lambda nside, _: Sky.round(big.sky, nside, None)
        world.add(big).at_once()
    server = ThreadingHTTPServer(("127.0.0.1", port), handler(world, under))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return world, server, f"http://127.0.0.1:{server.server_address[1]}{under}/"


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=8899)
    options.add_argument("--under", default="")
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--big", action="store_true")
    given = options.parse_args()
    world, server, address = begin(given.port, given.under, given.seconds, given.big)
    print(f"{address}#token=admin-token", flush=True)
    threading.Event().wait()
