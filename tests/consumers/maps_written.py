"""Writes maps as healpy and ligo.skymap do and prints what they themselves say of each: the best
direction and the areas that hold 50 % and 90 %.

Usage: maps_written.py FOLDER
"""

import json
import sys
from pathlib import Path

import healpy
import numpy as np
from astropy import units as u
from astropy.table import Table
from ligo.skymap.io import read_sky_map, write_sky_map
from ligo.skymap.moc import rasterize
from ligo.skymap.postprocess import crossmatch, find_greedy_credible_levels

NSIDE = 128
SHARES = (0.5, 0.9)


def lobes(nside: int, places) -> np.ndarray:
    """Probability per pixel: Fisher distributions around directions in degrees, of widths in degrees."""
    pixels = np.array(healpy.pix2vec(nside, np.arange(healpy.nside2npix(nside))))
    total = np.zeros(pixels.shape[1])
    for ra, dec, width, weight in places:
        centre = healpy.ang2vec(ra, dec, lonlat=True)
        kappa = 1 / np.radians(width) ** 2
        total += weight * kappa * np.exp(kappa * (pixels.T @ centre - 1))
    return total / total.sum()


def by_healpy(prob: np.ndarray) -> dict:
    nside = healpy.get_nside(prob)
    order = np.sort(prob)[::-1]
    pixels = [int(np.searchsorted(np.cumsum(order), share)) + 1 for share in SHARES]
    ra, dec = healpy.pix2ang(nside, int(np.argmax(prob)), lonlat=True)
    area = healpy.nside2pixarea(nside, degrees=True)
    return {"ra_deg": ra, "dec_deg": dec, "areas_deg2": [n * area for n in pixels]}


def by_ligo(path: Path) -> dict:
    moc = read_sky_map(str(path), moc=True)
    areas = [float(area) for area in crossmatch(moc, contours=SHARES).contour_areas]
    flat = rasterize(Table(moc), order=8)["PROBDENSITY"]
    best = int(np.argmax(flat))
    ra, dec = healpy.pix2ang(256, best, nest=True, lonlat=True)
    return {"ra_deg": ra, "dec_deg": dec, "areas_deg2": areas}


def main(folder: Path) -> None:
    round_one = lobes(NSIDE, [(200.0, -30.0, 8.0, 1.0)])
    two = lobes(NSIDE, [(10.0, 80.0, 9.0, 0.7), (300.0, 20.0, 6.0, 0.3)])
    told = {}

    def flat(name: str, prob: np.ndarray, **how) -> None:
        nested = how.get("nest", False)
        written = healpy.reorder(prob, r2n=True) if nested else prob
        healpy.write_map(str(folder / name), written, overwrite=True, **how)
        told[name] = by_healpy(prob)

    flat("ring.fits", round_one, coord="C", dtype=np.float64, column_names=["PROB"])
    flat("ring.fits.gz", two, coord="C", dtype=np.float32)
    flat("nested.fits", round_one, nest=True, dtype=np.float64)
    # What healpy leaves out has no probability worth telling.
    known = np.where(round_one > 1e-9, round_one, healpy.UNSEEN)
    flat("partial.fits", known, coord="C", partial=True, dtype=np.float64, column_names=["PROB"])
    told["partial.fits"] = told["ring.fits"]

    # Six resolutions, fine where the probability is.
    rows = []
    for order in range(3, 9):
        nside = 2**order
        prob = healpy.ud_grade(lobes(256, [(120.0, 45.0, 3.0, 1.0)]), nside, power=-2, order_in="RING", order_out="NESTED")
        density = prob / healpy.nside2pixarea(nside)
        split = density * healpy.nside2pixarea(8) > 1e-3
        for pixel in np.arange(len(density)):
            parent = pixel // 4
            if order > 3 and parent not in open_pixels:
                continue
            if order < 8 and split[pixel]:
                continue
            rows.append((4 * nside**2 + pixel, density[pixel]))
        open_pixels = {int(p) for p in np.flatnonzero(split) if order == 3 or p // 4 in open_pixels}
    uniq, density = (np.array(column) for column in zip(*rows))
    table = Table({"UNIQ": uniq.astype(np.int64), "PROBDENSITY": density})
    table["PROBDENSITY"].unit = u.sr**-1
    write_sky_map(str(folder / "multi.multiorder.fits"), table)
    told["multi.multiorder.fits"] = by_ligo(folder / "multi.multiorder.fits")
    # Others number the pixels without a sign, in any order.
    table["UNIQ"] = uniq.astype(np.uint64)
    shuffled = table[np.random.default_rng(1).permutation(len(table))]
    shuffled.meta.update({"PIXTYPE": "HEALPIX", "ORDERING": "NUNIQ", "COORDSYS": "C"})
    shuffled.write(str(folder / "unsigned.multiorder.fits"), format="fits", overwrite=True)
    told["unsigned.multiorder.fits"] = told["multi.multiorder.fits"]
    flat_ligo = lobes(NSIDE, [(33.0, -60.0, 6.0, 1.0)])
    write_sky_map(str(folder / "flat.fits.gz"), flat_ligo, nest=False)
    credible = find_greedy_credible_levels(flat_ligo)
    area = healpy.nside2pixarea(NSIDE, degrees=True)
    told["flat.fits.gz"] = by_healpy(flat_ligo) | {
        "areas_deg2": [float((credible <= share).sum()) * area for share in SHARES]
    }
    # IceCube's own kind: twice the distance from the best llh.
    healpy.write_map(
        str(folder / "llh.fits"),
        -2 * np.log(round_one / round_one.max()),
        coord="C",
        dtype=np.float64,
        column_names=["2DLLH"],
        overwrite=True,
    )
    told["llh.fits"] = by_healpy(round_one)
    # Not maps of a direction.
    healpy.write_map(str(folder / "galactic.fits"), round_one, coord="G", overwrite=True)
    healpy.write_map(str(folder / "counts.fits"), 7 * round_one, coord="C", overwrite=True)
    print(json.dumps(told))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    main(folder)
