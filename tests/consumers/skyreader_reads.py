"""Reads a result file with skyreader and prints what it understood as one JSON object.

Usage: skyreader_reads.py RESULT.json SCRATCH_FOLDER
"""

import json
import sys
from pathlib import Path

from skyreader import SkyScanResult


def main(path: Path, scratch: Path) -> None:
    result = SkyScanResult.read_json(path)
    event = result.get_event_metadata()
    best = result.best_fit
    ra_rad, dec_rad = result.best_dir

    # What skyreader writes, it must read back as the same: in both of its formats.
    again = SkyScanResult.read_npz(result.to_npz(event, scratch))
    copy = SkyScanResult.read_json(result.to_json(event, scratch))

    understood = {
        "file_name": result.get_filename(event, ".json").name,
        "event": str(event),
        "run_id": event.run_id,
        "event_id": event.event_id,
        "mjd": event.mjd,
        "event_type": event.event_type,
        "is_real_event": event.is_real_event,
        "has_minimal_metadata": result.has_minimal_metadata(),
        "nsides": result.nsides,
        "rows": {str(n): len(result.get_results_per_nside(n)) for n in result.nsides},
        "metadata": {
            str(n): {
                key: value
                for key, value in result.get_results_per_nside(n).dtype.metadata.items()
            }
            for n in result.nsides
        },
        "best": {
            "nside": int(best.dtype.metadata["nside"]),
            "index": int(best["index"]),
            "llh": float(best["llh"]),
            "X": float(best["X"]),
            "T": float(best["T"]),
            "E_in_is_nan": bool(best["E_in"] != best["E_in"]),
            "E_tot": float(best["E_tot"]),
            "ra_rad": float(ra_rad),
            "dec_rad": float(dec_rad),
        },
        "llh_at_best_direction": float(result.llh(ra_rad, dec_rad)[0]),
        "npz_is_close": bool(result.is_close(again)),
        "npz_event": str(again.get_event_metadata()),
        "json_is_close": bool(result.is_close(copy)),
    }
    print(json.dumps(understood))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
