"""Reads every file of a scan's output folder with the program that it is for and prints what each
one understood as one JSON object.

Usage: files_read.py FOLDER
"""

import base64
import json
import sys
from io import BytesIO
from pathlib import Path

import healpy
import numpy as np
from astropy import units as u
from astropy.io import ascii, fits
from astropy.table import QTable
from ligo.skymap.io import read_sky_map
from ligo.skymap.bayestar import rasterize
from mocpy import MOC
from regions import Regions
from shapely.geometry import shape
from skyreader import SkyScanResult

# What gcn/notices/icecube/single_neutrino_alerts.schema.json says of the keys that a draft has.
NOTICE = {
    "$schema": str,
    "mission": str,
    "instrument": str,
    "messenger": ["EM", "GW", "Neutrino"],
    "pipeline": ["Gold Track Alert", "Bronze Track Alert", "Cascade Alert"],
    "id": list,
    "alert_type": ["initial", "subsequent", "update", "retraction"],
    "alert_tense": ["current", "archival", "planned", "injection", "commanded", "test"],
    "alert_topology": ["Track", "Shower", "Multiplet"],
    "number_of_events": (int, float),
    "ra": (int, float),
    "dec": (int, float),
    "ra_dec_error": (int, float),
    "containment_probability": (int, float),
    "systematic_included": bool,
    "healpix_file": str,
    "trigger_time": str,
    # Of no schema of this topic, but of others: allowed there, ignored by readers.
    "additional_info": str,
}
DEG2 = (180 / np.pi) ** 2


def one(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def result(path: Path, read) -> dict:
    scan = read(path)
    ra, dec = np.degrees(scan.best_dir)
    return {
        "ra_deg": ra,
        "dec_deg": dec,
        "llh": float(scan.best_fit["llh"]),
        "rows": {str(n): len(scan.get_results_per_nside(n)) for n in scan.nsides},
        "event": str(scan.get_event_metadata()),
        "declination": str(scan.best_fit.dtype.metadata["declination"]),
        "regions": str(scan.best_fit.dtype.metadata["regions"]),
    }


def flat(path: Path) -> dict:
    prob, header = healpy.read_map(path, h=True, dtype=None)
    header = dict(header)
    best = int(np.argmax(prob))
    nside = healpy.get_nside(prob)
    ra, dec = healpy.pix2ang(nside, best, lonlat=True)
    order = np.sort(prob)[::-1]
    # As many pixels as hold 90 % of the probability.
    n_inside = int(np.searchsorted(np.cumsum(order), 0.9)) + 1
    return {
        "sum": float(prob.sum()),
        "ra_deg": ra,
        "dec_deg": dec,
        "area_90_deg2": n_inside * healpy.nside2pixarea(nside, degrees=True),
        "nside": nside,
        "ordering": header["ORDERING"],
        "coordsys": header["COORDSYS"],
    }


def multi_order(path: Path) -> dict:
    table = read_sky_map(path, moc=True)
    flattened = rasterize(table)["PROB"]
    own = QTable.read(path)
    level = np.log2(own["UNIQ"] / 4).astype(int) // 2
    area_sr = 4 * np.pi / (12 * 4.0**level)
    best = int(np.argmax(own["PROBDENSITY"]))
    index = own["UNIQ"][best] - 4 * 4 ** level[best]
    ra, dec = healpy.pix2ang(2 ** int(level[best]), int(index), nest=True, lonlat=True)
    return {
        "sum": float(np.sum(flattened)),
        "astropy_sum": float(np.sum(own["PROBDENSITY"].value * area_sr)),
        "tiled_sr": float(np.sum(area_sr)),
        "unit": str(own["PROBDENSITY"].unit),
        "ra_deg": ra,
        "dec_deg": dec,
        "cells": len(own),
    }


def region(path: Path, best: tuple) -> dict:
    moc = MOC.from_fits(str(path))
    return {
        "area_deg2": float(moc.sky_fraction * 4 * np.pi * DEG2),
        "holds_best": bool(moc.contains_lonlat(best[0] * u.deg, best[1] * u.deg)[0]),
    }


def polygons(path: Path) -> list:
    document = json.loads(path.read_text())
    areas = []
    for feature in document["features"]:
        area = 0.0
        for polygon in shape(feature["geometry"]).geoms:
            assert polygon.is_valid, polygon
            for ring, sign in [(polygon.exterior, 1), *((h, -1) for h in polygon.interiors)]:
                lon, lat = np.radians(np.asarray(ring.coords)).T
                # Solid angle below the ring: Gauss-Green on the sphere.
                enclosed = np.sum(np.diff(lon) * (np.sin(lat[1:]) + np.sin(lat[:-1])) / 2)
                area += sign * abs(enclosed) * DEG2
        areas.append(
            {
                "containment": feature["properties"]["containment"],
                "area_deg2": area,
                "stated_deg2": feature["properties"]["area_deg2"],
            }
        )
    return areas


def text(path: Path) -> dict:
    table = ascii.read(path)
    return {
        "columns": table.colnames,
        "points": len(table),
        "ra_deg": float(np.degrees(np.mean(table["ra (rad)"]))),
        "dec_deg": float(np.degrees(np.mean(table["dec (rad)"]))),
        "comments": table.meta["comments"],
    }


def notice(path: Path) -> dict:
    document = json.loads(path.read_text())
    wrong = []
    for key, value in document.items():
        allowed = NOTICE.get(key)
        if allowed is None:
            wrong.append(f"{key} is unknown")
        elif isinstance(allowed, list):
            wrong += [] if value in allowed else [f"{key} is {value}"]
        elif not isinstance(value, allowed):
            wrong.append(f"{key} is {value}")
    sent = QTable.read(BytesIO(base64.b64decode(document["healpix_file"])), format="fits")
    return {
        "wrong": wrong,
        "ra": document["ra"],
        "dec": document["dec"],
        "ra_dec_error": document["ra_dec_error"],
        "alert_tense": document["alert_tense"],
        "trigger_time": document["trigger_time"],
        "cells_sent": len(sent),
    }


def headers(folder: Path) -> dict:
    found = {}
    for path in sorted([*folder.glob("*.fits"), *folder.glob("*.fits.gz")]):
        with fits.open(path) as units:
            units.verify("exception")
            header = units[1].header
            found[path.name.split(".", 3)[3]] = {
                "frame": header["RADESYS"],
                "declination": header["DECSIGN"],
                "llh": header["LLHDEF"],
                "regions": header["REGIONS"],
                "RA": header["RA"],
                "DEC": header["DEC"],
                "area_90": header["CONTOUR_AREA_90"],
                "date": header["DATE-OBS"],
            }
    return found


def ds9(path: Path) -> list:
    shapes = Regions.read(path, format="ds9")
    return [
        {
            "kind": type(shape).__name__,
            "name": shape.meta["text"],
            "frame": (shape.vertices if hasattr(shape, "vertices") else shape.center).frame.name,
        }
        for shape in shapes
    ]


def main(folder: Path) -> None:
    errors = json.loads(one(folder, "*.errors.json").read_text())
    best = (errors["best_fit"]["ra_deg"], errors["best_fit"]["dec_deg"])
    understood = {
        "json": result(one(folder, "*[0-9].json"), SkyScanResult.read_json),
        "npz": result(one(folder, "*.npz"), SkyScanResult.read_npz),
        "npz_is_json": bool(
            SkyScanResult.read_npz(one(folder, "*.npz")).is_close(
                SkyScanResult.read_json(one(folder, "*[0-9].json")),
                equal_nan=True,
            )
        ),
        "flat": flat(one(folder, "*probability.fits.gz")),
        "multi_order": multi_order(one(folder, "*multiorder.fits")),
        "region_50": region(one(folder, "*region_50.moc.fits"), best),
        "region_90": region(one(folder, "*region_90.moc.fits"), best),
        "polygons": polygons(one(folder, "*.geojson")),
        "ds9": ds9(one(folder, "*.regions.reg")),
        "contour_50": text(one(folder, "*contour_50.txt")),
        "contour_90": text(one(folder, "*contour_90.txt")),
        "notice": notice(one(folder, "*.gcn.json")),
        "headers": headers(folder),
        "errors": errors,
    }
    print(json.dumps(understood))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
