//! Probability maps and regions as FITS files, in the forms that healpy, ligo.skymap and mocpy read.

use std::io::{self, BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::fits::{Column, Header, write_table};
use super::summary::percent;
use super::{ScanRecord, conventions, doubt, sexagesimal};
use skyscan_sky::map::PixelOutcome;
use skyscan_sky::probability::ProbabilityMap;
use skyscan_sky::region::Region;
use skyscan_sky::{Nside, Pixel};

/// Finest resolution of the flat map: 12.6 million pixels, 100 MB before packing. What is finer is
/// in the multi-order map.
const FINEST_FLAT: u32 = 1024;

/// Values in a row of the flat map.
const PER_ROW: usize = 1024;

/// Bytes that are packed at once.
const PIECE: usize = 1 << 20;

/// Where the best pixel is none of the map's cells: its nside.
pub(super) const BEST_NSIDE: &str = "BESTNSID";
/// So much the llh of the best cell is above its own.
pub(super) const BEST_LLH: &str = "BESTDLLH";

/// Resolution of the flat map.
pub(super) fn flat_nside(map: &ProbabilityMap) -> Option<Nside> {
    Nside::try_from(u32::from(map.finest()?).min(FINEST_FLAT)).ok()
}

/// Probability per pixel of one resolution, RING, gzipped.
pub(super) fn write_flat(
    scan: &ScanRecord<'_>,
    map: &ProbabilityMap,
    nside: Nside,
    out: &mut dyn Write,
) -> io::Result<()> {
    let values = map.flat(nside);
    let per_row = if values.len().is_multiple_of(PER_ROW) {
        PER_ROW
    } else {
        12
    };
    let format: &'static str = if per_row == PER_ROW { "1024D" } else { "12D" };
    let mut header = healpix_header("RING", "IMPLICIT", "probability per pixel");
    header.integer("NSIDE", u32::from(nside).into(), "");
    header.integer("FIRSTPIX", 0, "");
    header.integer("LASTPIX", nside.n_pixels() - 1, "");
    header.text("OBJECT", "FULLSKY", "");
    describe(&mut header, scan);
    name_best(&mut header, scan, map);
    let column = Column {
        name: "PROB",
        format,
        unit: "pix-1",
    };
    // Whatever it is given at once costs a clean buffer.
    let packed = GzEncoder::new(out, Compression::fast());
    let mut packed = BufWriter::with_capacity(PIECE, packed);
    write_table(
        &mut packed,
        "PROBABILITY",
        &[column],
        (values.len() / per_row, 8 * per_row),
        &header,
        values.iter().map(|value| value.to_be_bytes()),
    )?;
    packed.into_inner()?.finish().map(|_| ())
}

/// Probability per steradian of every cell, NUNIQ.
pub(super) fn write_multi_order(
    scan: &ScanRecord<'_>,
    map: &ProbabilityMap,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut cells: Vec<(u64, f64)> = map
        .cells()
        .iter()
        .map(|cell| (cell.pixel.uniq(), cell.density_per_sr()))
        .collect();
    cells.sort_by_key(|(uniq, _)| *uniq);
    let mut header = healpix_header("NUNIQ", "EXPLICIT", "probability per steradian");
    header.integer("MOCORDER", deepest(map.cells().iter().map(|c| c.pixel)), "");
    describe(&mut header, scan);
    name_best(&mut header, scan, map);
    let columns = [
        Column {
            name: "UNIQ",
            format: "K",
            unit: "",
        },
        Column {
            name: "PROBDENSITY",
            format: "D",
            unit: "sr-1",
        },
    ];
    let values = cells
        .iter()
        .flat_map(|(uniq, density)| [uniq.to_be_bytes(), density.to_be_bytes()]);
    write_table(
        out,
        "PROBABILITY",
        &columns,
        (cells.len(), 16),
        &header,
        values,
    )
}

/// A region as a multi-order coverage map (IVOA MOC), NUNIQ.
pub(super) fn write_region(
    scan: &ScanRecord<'_>,
    region: &Region,
    out: &mut dyn Write,
) -> io::Result<()> {
    let cover = region.cover(scan.map);
    let mut uniqs: Vec<u64> = cover.iter().map(|pixel| pixel.uniq()).collect();
    uniqs.sort_unstable();
    let order = deepest(cover.into_iter());
    let mut header = healpix_header("NUNIQ", "EXPLICIT", "pixels inside the region");
    header.text("MOCVERS", "2.0", "");
    header.text("MOCDIM", "SPACE", "");
    header.text("MOCTOOL", conventions::PRODUCER, "");
    header.integer("MOCORD_S", order, "");
    header.integer("MOCORDER", order, "");
    header.real("CONTAINM", region.containment, "probability inside");
    describe(&mut header, scan);
    let column = Column {
        name: "UNIQ",
        format: "K",
        unit: "",
    };
    let values = uniqs.iter().map(|uniq| uniq.to_be_bytes());
    write_table(out, "REGION", &[column], (uniqs.len(), 8), &header, values)
}

fn deepest(pixels: impl Iterator<Item = Pixel>) -> u64 {
    let finest = pixels.map(|pixel| u32::from(pixel.nside)).max();
    finest.unwrap_or(1).trailing_zeros().into()
}

fn healpix_header(ordering: &str, indexing: &str, what: &str) -> Header {
    let mut header = Header::default();
    header.text("PIXTYPE", "HEALPIX", what);
    header.text("ORDERING", ordering, "");
    header.text("INDXSCHM", indexing, "");
    header.text("COORDSYS", "C", "equatorial");
    header
}

/// Names the best pixel where it is none of the cells, since finer ones, each worse, are in its place: a map
/// alone would have another best direction than the scan.
fn name_best(header: &mut Header, scan: &ScanRecord<'_>, map: &ProbabilityMap) {
    let Some((best, fit)) = scan.map.best() else {
        return;
    };
    if map.cells().iter().any(|cell| cell.pixel == best) {
        return;
    }
    let llhs = (map.cells().iter()).filter_map(|cell| match scan.map.get(cell.pixel)? {
        PixelOutcome::Fitted(fit) => Some(fit.llh),
        PixelOutcome::Failed(_) => None,
    });
    let best_cell = llhs.fold(f64::INFINITY, f64::min);
    header.integer(
        BEST_NSIDE,
        u32::from(best.nside).into(),
        "nside of the best pixel, at RA and DEC",
    );
    header.real(
        BEST_LLH,
        best_cell - fit.llh,
        "llh of the best cell above the best pixel",
    );
}

/// Event, best fit, errors and conventions, under the keys that IceCube's maps have.
fn describe(header: &mut Header, scan: &ScanRecord<'_>) {
    header.text("RADESYS", conventions::FRAME, "");
    header.real("EQUINOX", 2000.0, "");
    header.integer("RUNID", scan.event.run_id.into(), "");
    header.integer("EVENTID", scan.event.event_id.into(), "");
    header.text("SENDER", conventions::PRODUCER, "");
    header.text("CREATOR", conventions::PRODUCER, "");
    if let Some(iso) = sexagesimal::iso(scan.event.mjd) {
        header.text("DATE-OBS", &iso, "UTC");
    }
    header.real("MJD-OBS", scan.event.mjd, "UTC");
    header.text("I3TYPE", &scan.event.stream, "alert stream");
    header.text("RECO", scan.reco, "");
    if let Some(numerics) = scan.numerics {
        header.integer("NUMERICS", numerics.into(), "");
    }
    if let Some(hit_doms) = scan.hit_doms {
        header.integer("HITDOMS", hit_doms as u64, "DOMs that saw light");
    }
    header.flag(
        "COMPLETE",
        scan.is_complete(),
        "every planned pixel was scanned",
    );
    if let Some(best) = scan.best_fit {
        header.real("RA", best.ra_rad.to_degrees(), "deg, best pixel");
        header.real("DEC", best.dec_rad.to_degrees(), "deg, best pixel");
    }
    if let Some(fit) = &scan.sub_pixel {
        for (key, value, what) in [
            (
                "RA_FIT",
                fit.direction.ra_rad.to_degrees(),
                "deg, between pixels",
            ),
            (
                "DEC_FIT",
                fit.direction.dec_rad.to_degrees(),
                "deg, between pixels",
            ),
            (
                "SIG_MAJ",
                fit.sigma_major_deg,
                "deg, one standard deviation",
            ),
            (
                "SIG_MIN",
                fit.sigma_minor_deg,
                "deg, one standard deviation",
            ),
            (
                "SIG_PA",
                fit.position_angle_deg,
                "deg, of SIG_MAJ, north to east",
            ),
        ] {
            header.real(key, value, what);
        }
    }
    for region in scan.regions {
        let share = percent(region.containment);
        for (key, value) in [
            ("RA_ERR_PLUS", region.ra_plus_deg),
            ("RA_ERR_MINUS", region.ra_minus_deg),
            ("DEC_ERR_PLUS", region.dec_plus_deg),
            ("DEC_ERR_MINUS", region.dec_minus_deg),
        ] {
            header.real(&format!("{key}_{share}"), value, "deg");
        }
        header.real(&format!("CONTOUR_AREA_{share}"), region.area_deg2, "deg2");
        let meaning = "surrounded by scanned sky";
        header.flag(&format!("CLOSED{share}"), region.is_closed(), meaning);
        header.real(&format!("LEVEL{share}"), region.level, "2 dllh");
        header.real(
            &format!("CONTOUR_LEVEL_{share}"),
            region.contour_level,
            "2 dllh",
        );
    }
    let doubts = doubt::names(&scan.doubts());
    header.text("QUALITY", &doubts, "what is doubtful; empty: nothing");
    header.text("REGIONS", scan.method.name(), "how the levels were chosen");
    if let Some(sha256) = scan.method.coverage_sha256() {
        header.text("COVHASH", sha256, "");
    }
    if let Some(sha256) = scan.systematics_sha256() {
        header.text("SYSHASH", sha256, "");
    }
    header.text("DECSIGN", conventions::DECLINATION, "declination");
    header.text("LLHDEF", conventions::LLH, "llh");
    for sentence in conventions::sentences(scan) {
        header.comment(&sentence);
    }
}
