"""A likelihood of one's own for skyscan: a straight track without scattering, on a grid.

    skyscan scan demo/event.json --reco external --external-program 'python3 examples/straight_track.py'

It needs numpy; line_fit.py needs nothing. docs/external-reco.md has the protocol. Whatever may answer differently needs another name.
"""

import json
import sys

import numpy as np

C, DELAY = 0.299792458, 3.060  # m/ns; ns per metre that direct Cherenkov light lags behind the track
STEP_M = np.linspace(-120.0, 120.0, 13)  # across the track, around the hits' middle
WIDTH_NS = 60.0  # of the residuals; its tails are wide, since light scatters


def say(message):
    print(json.dumps(message), flush=True)


def fit(zenith, azimuth, xyz, t):
    going = -np.array([np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)])
    u = np.cross(going, np.eye(3)[np.argmin(np.abs(going))])
    u /= np.linalg.norm(u)
    v = np.cross(going, u)
    center, (a, b) = xyz.mean(axis=0), np.meshgrid(STEP_M, STEP_M)
    foot = center + a[..., None] * u + b[..., None] * v
    offset = xyz - foot[..., None, :]
    along = offset @ going
    distance = np.sqrt(np.maximum((offset**2).sum(axis=-1) - along**2, 1.0))
    residual = t - along / C - distance * DELAY
    start = np.quantile(residual, 0.3, axis=-1)
    llh = np.log1p(((residual - start[..., None]) / WIDTH_NS) ** 2).sum(axis=-1)
    best = np.unravel_index(np.argmin(llh), llh.shape)
    # Rounded, because the last bits of a logarithm differ between processors.
    return {"llh": round(float(llh[best]), 6), "position_m": foot[best].tolist(), "time_ns": float(start[best])}


say({"skyscan": 1, "name": "straight-track-1"})
for line in sys.stdin:
    message = json.loads(line)
    if "event" in message:
        hits = np.array(message["first_hits"]).reshape(-1, 5)
        say({"ready": True} if len(hits) >= 6 else {"refused": f"only {len(hits)} DOMs were hit"})
    else:
        say({"fits": [fit(p["zenith_rad"], p["azimuth_rad"], hits[:, :3], hits[:, 3]) for p in message["pixels"]]})
