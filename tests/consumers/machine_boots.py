"""Boots machines with the user data of `skyscan deploy cloud-init`: cloud-init and systemd of Debian, in containers.

    python machine_boots.py SKYSCAN IMAGE USER_DATA KEYS EVENT URL

The scanner is on this machine and listens at URL; in containers it is host.docker.internal. One machine is taken away by notice (AWS's,
two minutes before) and powers off, another one ends the scan, finds no further one, and powers off. Prints a JSON object: the hash
of the map and of one made without machines, leases that were lost, and what the machines said.

    python3 machine_boots.py --inside     serves the program and the notice inside a machine, where they are for it
"""

import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

import machine_lives

# Takes longer than a notice to be heard.
GRID = ["--strategy", "direct", "--nside", "32"]
# Without the right to change limits, which not every engine has to give.
RIGHTS = ["--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN", "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"]
NETWORK = ["--add-host=host.docker.internal:host-gateway"]
FOLDERS = ["--tmpfs=/run", "--tmpfs=/tmp", "--volume=/sys/fs/cgroup:/sys/fs/cgroup"]
SEED = "/var/lib/cloud/seed/nocloud"
# The services first, as in a cloud, and away from the terminal, which systemd hangs up; then the machine.
BOOT = """ip address add 169.254.169.254/32 dev lo
setsid python3 /consumers/machine_boots.py --inside </dev/null >/dev/null 2>&1 &
exec /sbin/init"""


def main(skyscan, image, user_data, keys, event, url):
    with tempfile.TemporaryDirectory() as scratch:
        pathlib.Path(scratch, "meta-data").write_text("instance-id: i-1\nlocal-hostname: machine\n")
        files = {f"{scratch}/meta-data": f"{SEED}/meta-data", os.path.realpath(user_data): f"{SEED}/user-data"}
        files |= {os.path.realpath(skyscan): "/skyscan", os.path.dirname(os.path.realpath(__file__)): "/consumers"}
        mounts = [f"--volume={here}:{there}:ro" for here, there in files.items()]

        def boot():
            # A terminal is its console, on which the worker's words are.
            words = ["docker", "run", "--detach", "--tty", *RIGHTS, *NETWORK, *FOLDERS, *mounts, image, "sh", "-c", BOOT]
            return told(*words)

        machines = []
        try:
            scan = machine_lives.Scan(skyscan, event, GRID, ["--workers", "0", "--transport", url, "--keys", keys])
            machines.append(boot())
            scan.wait_for_results()
            told("docker", "exec", machines[0], "touch", "/notice")
            said = [until_it_is_off(machines[0])]
            machines.append(boot())
            scanned = scan.end()
            said.append(until_it_is_off(machines[1]))
            alone = machine_lives.Scan(skyscan, event, GRID).end()["map"]
            print(json.dumps({**scanned, "alone": alone, "said": said}))
        finally:
            for machine in machines:
                told("docker", "rm", "--force", machine)


def until_it_is_off(machine):
    """What stood on its console: the journal is gone with it."""
    code = told("timeout", "120", "docker", "wait", machine)
    assert code == "0", f"it did not power off, but ended with {code}"
    return told("docker", "logs", machine)


def told(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


class Metadata(machine_lives.Answers):
    """AWS's: with a session token."""

    def do_PUT(self):
        self.answer(b"session" if self.path == "/latest/api/token" else None)

    def do_GET(self):
        is_session = self.headers["X-aws-ec2-metadata-token"] == "session"
        is_notice = self.path == "/latest/meta-data/spot/instance-action" and os.path.exists("/notice")
        time = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=2)
        notice = {"action": "terminate", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self.answer(json.dumps(notice).encode() if is_session and is_notice else None)


def inside():
    program = machine_lives.serve("127.0.0.1", 8099, machine_lives.Program)
    program.text = pathlib.Path("/skyscan").read_bytes()
    machine_lives.serve("169.254.169.254", 80, Metadata)
    threading.Event().wait()


if __name__ == "__main__":
    inside() if sys.argv[1:] == ["--inside"] else main(*sys.argv[1:])
