"""Has a client made from the description of a service, and submits and fetches with it.

    client_generated.py URL TOKEN_FILE EVENT

Prints the scan's state, priority and result as JSON. Whatever the generator warns of is a failure.
"""

import json
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path


def main(url: str, token_file: str, event: str) -> None:
    token = Path(token_file).read_text().strip()
    base = f"{url.rstrip('/')}/api/v1"
    with tempfile.TemporaryDirectory() as folder:
        make_client(base, token, Path(folder))
        sys.path.insert(0, folder)
        print(json.dumps(submit_and_fetch(base, token, Path(event))))


def make_client(base: str, token: str, folder: Path) -> None:
    asked = urllib.request.Request(f"{base}/openapi.json", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        (folder / "openapi.json").write_bytes(answer.read())
    # Its code is not tidied up afterwards: that takes another program.
    (folder / "config.yaml").write_text("post_hooks: []\n")
    words = ["generate", "--path", "openapi.json", "--config", "config.yaml", "--output-path", "made"]
    command = [sys.executable, "-m", "openapi_python_client", *words, "--meta", "none", "--fail-on-warning"]
    subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)


def submit_and_fetch(base: str, token: str, event: Path) -> dict:
    from made import AuthenticatedClient
    from made.api.files import get_file, list_files
    from made.api.scans import get_result, list_scans, submit, wait_for_scan
    from made.models import AlertForm, Priority, Settings, State
    from made.types import File

    settings = Settings(nside=[4, 8, 16], reco="linefit")
    with AuthenticatedClient(base_url=base, token=token, timeout=90) as client, event.open("rb") as content:
        form = AlertForm(event=File(content, event.name), settings=settings, priority=Priority.URGENT)
        scan = submit.sync(client=client, body=form)
        while scan.state in (State.QUEUED, State.RUNNING):
            scan = wait_for_scan.sync(scan.id, client=client, seconds=60).scan
        listed = [found.id for found in list_scans.sync(client=client).scans]
        assert listed == [scan.id], listed
        names = [file.name for file in list_files.sync(scan.id, client=client).files]
        picture = get_file.sync(scan.id, next(name for name in names if name.endswith(".png")), client=client)
        assert picture.payload.read(4) == b"\x89PNG"
        result = get_result.sync_detailed(scan.id, client=client)
        return {"state": scan.state, "priority": scan.priority, "result": json.loads(result.content)}


if __name__ == "__main__":
    main(*sys.argv[1:])
