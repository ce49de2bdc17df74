"""What the page knows of HEALPix (`page/healpix.js`), beside healpy: which pixel is where, middles, outlines."""

import healpy
import numpy as np
import pytest

SCRIPT = """async (asked) => {
  const h = await import('./healpix.js');
  return asked.map(([nside, z, s, phi, pixel]) => {
    const c = h.centre(nside, pixel);
    const outline = h.boundary(nside, pixel, 3).map((p) => [p.z, p.s, p.phi]);
    return { pixel: h.pixelAt(nside, z, s, phi), centre: [c.z, c.s, c.phi], outline };
  });
}"""


def places(nside):
    """All pixels of coarse maps and some of finer ones; a part of the directions close to the poles, where digits are scarce."""
    rng = np.random.default_rng(nside)
    n = 12 * nside * nside
    pixels = (
        np.arange(n) if n <= 3072 else np.concatenate([rng.integers(0, n, 1500), np.arange(30), n - 1 - np.arange(30)])
    )
    theta = np.arccos(rng.uniform(-1, 1, len(pixels)))
    near = 10 ** rng.uniform(-7, -1, len(pixels))
    theta[::5], theta[1::5] = near[::5], np.pi - near[1::5]
    return pixels, theta, rng.uniform(0, 2 * np.pi, len(pixels))


@pytest.mark.parametrize("nside", [2**k for k in range(15)])
def test_pixels_are_those_of_healpy(watched, played, nside):
    page = watched(played.address, token=None).page
    pixels, theta, phi = places(nside)
    asked = [[nside, float(np.cos(t)), float(np.sin(t)), float(p), int(i)] for i, t, p in zip(pixels, theta, phi)]
    told = page.evaluate(SCRIPT, asked)
    assert [t["pixel"] for t in told] == healpy.ang2pix(nside, theta, phi).tolist()
    middles = np.array([vector(t["centre"]) for t in told])
    assert np.abs(middles - np.array(healpy.pix2vec(nside, pixels)).T).max() < 1e-12
    outlines = np.array([[vector(p) for p in t["outline"]] for t in told])
    theirs = np.array([healpy.boundaries(nside, int(i), step=3).T for i in pixels])
    assert np.abs(outlines - theirs).max() < 1e-12


def vector(place):
    z, s, phi = place
    return [s * np.cos(phi), s * np.sin(phi), z]
