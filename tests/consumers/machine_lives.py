"""Lives through what the user data of `skyscan deploy cloud-init` makes of a machine, as its unit says, without systemd.

    unshare --mount --net python machine_lives.py SKYSCAN USER_DATA KEYS EVENT

Runs in a network of its own, where scanner, the program's URL and a metadata service (Google's) are at the addresses that
they have for a machine. One machine is taken away by notice, another one ends the scan. Prints a JSON object: the hash of
the map, leases that were lost, and what the machines said.
"""

import http.server
import json
import pathlib
import shlex
import signal
import subprocess
import sys
import threading

import yaml

USER = "skyscan:x:10001:10001::/nonexistent:/usr/sbin/nologin\n"
GRID = ["--nside", "8,64"]


def main(skyscan, user_data, keys, event):
    data = yaml.safe_load(open(user_data))
    make_machine(data)
    metadata = serve("169.254.169.254", 80, Metadata)
    program = serve("127.0.0.1", 8099, Program)
    program.text = pathlib.Path(skyscan).read_bytes()
    files = {file["path"]: file["content"] for file in data["write_files"]}
    unit = files["/etc/systemd/system/skyscan-worker.service"]

    scan = Scan(skyscan, event, GRID, ["--workers", "0", "--transport", "zmqs://127.0.0.1:5555", "--keys", keys])
    first = start(unit)
    scan.wait_for_results()
    metadata.is_preempted = True
    said = [first.communicate()[0]]
    assert first.returncode == 0, said
    metadata.is_preempted = False
    program.text = b"it is fetched once"
    second = start(unit)
    scanned = scan.end()
    second.send_signal(signal.SIGTERM)
    said.append(second.communicate()[0])
    assert second.returncode == 0, said
    print(json.dumps({**scanned, "said": said}))


class Scan:
    """One that may have to wait for machines."""

    def __init__(self, skyscan, event, *more):
        words = [skyscan, "scan", event, "--reco", "pandel-mpe", "--format", "json", "--progress", "json", *sum(more, [])]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.told, self.has_results = [], threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stderr:
            self.told.append(line)
            if line.startswith("{") and json.loads(line).get("tasks", {}).get("accepted"):
                self.has_results.set()

    def wait_for_results(self):
        assert self.has_results.wait(100), self.told

    def end(self):
        printed = self.process.stdout.read()
        assert self.process.wait() == 0, self.told
        scanned = json.loads(printed)
        return {"map": scanned["map_sha256"], "lost": scanned["tasks"]["lost"]}


def make_machine(data):
    """An empty /run and /usr/local/bin, the files and the user."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", "169.254.169.254/32", "dev", "lo")
    for folder in ("/run", "/usr/local/bin", "/usr/local/sbin"):
        run("mount", "-t", "tmpfs", "tmpfs", folder)
    for name, line in (("passwd", USER), ("group", "skyscan:x:10001:\n")):
        there = pathlib.Path("/etc", name)
        copy = pathlib.Path("/run", name)
        copy.write_text(there.read_text() + line)
        run("mount", "--bind", str(copy), str(there))
    assert any(user != "default" and user["name"] == "skyscan" for user in data["users"])
    for file in data["write_files"]:
        path = pathlib.Path(file["path"])
        if path.parent == pathlib.Path("/usr/local/sbin"):
            path.write_text(file["content"])
            path.chmod(int(file["permissions"], 8))


def start(unit):
    """What the unit says is run before, as root, and then the worker, as its user."""
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    run(settings["ExecStartPre"].removeprefix("+"))
    user = settings["User"]
    words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *shlex.split(settings["ExecStart"])]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/")


def run(*words):
    subprocess.run(words, check=True, stdout=sys.stderr)


def serve(host, port, handler):
    server = http.server.ThreadingHTTPServer((host, port), handler)
    server.is_preempted = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Answers(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


class Program(Answers):
    def do_GET(self):
        self.answer(self.server.text if self.path == "/skyscan" else None)


class Metadata(Answers):
    def do_GET(self):
        is_asked = self.path.endswith("/instance/preempted") and self.headers["Metadata-Flavor"] == "Google"
        self.answer((b"TRUE" if self.server.is_preempted else b"FALSE") if is_asked else None)

    def do_PUT(self):
        self.answer(None)


if __name__ == "__main__":
    main(*sys.argv[1:])
