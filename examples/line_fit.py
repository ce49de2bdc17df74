"""A likelihood of one's own for skyscan in plain Python: light that travels with the particle, unscattered.

    skyscan scan demo/event.json --reco external --external-program 'python3 examples/line_fit.py'

It needs Python 3.8 and nothing else. docs/external-reco.md has the protocol; straight_track.py is a better likelihood.
"""

import json
import math
import sys

C = 0.299792458  # m/ns
WIDTH_NS = 150.0  # of the residuals; its tails are wide, since light scatters


def say(message):
    print(json.dumps(message), flush=True)


def fit(zenith, azimuth, hits):
    going = (-math.sin(zenith) * math.cos(azimuth), -math.sin(zenith) * math.sin(azimuth), -math.cos(zenith))
    center = [sum(hit[axis] for hit in hits) / len(hits) for axis in range(3)]
    along = [sum((hit[axis] - center[axis]) * going[axis] for axis in range(3)) for hit in hits]
    residual = [hit[3] - s / C for hit, s in zip(hits, along)]
    time = sorted(residual)[len(residual) // 2]
    llh = sum(math.log1p(((r - time) / WIDTH_NS) ** 2) for r in residual)
    # Rounded, because the last bits of a logarithm differ between processors.
    return {"llh": round(llh, 6), "position_m": center, "time_ns": time}


say({"skyscan": 1, "name": "line-fit-1"})
for line in sys.stdin:
    message = json.loads(line)
    if "event" in message:
        hits = message["first_hits"]
        say({"ready": True} if len(hits) >= 6 else {"refused": f"only {len(hits)} DOMs were hit"})
    else:
        say({"fits": [fit(p["zenith_rad"], p["azimuth_rad"], hits) for p in message["pixels"]]})
