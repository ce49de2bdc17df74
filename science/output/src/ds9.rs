//! Regions, best direction and marks as SAOImage DS9 and its relatives read them
//! (<https://ds9.si.edu/doc/ref/region.html>).

use std::io::{self, Write};

use super::summary::percent;
use super::{ScanRecord, conventions};
use skyscan_event::names::clean;
use skyscan_sky::Equatorial;
use skyscan_sky::contour::Contour;

/// Longest label, in characters.
const LONGEST_LABEL: usize = 60;

/// Writes ICRS positions in degrees. A hole of a region is a polygon to be left out (`-`); a region that is the
/// whole sky has no line, and is named in a comment.
pub(super) fn write(scan: &ScanRecord<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# Region file format: DS9 version 4.1")?;
    for sentence in conventions::sentences(scan) {
        // Readers take a semicolon for the end of a line, even of a comment.
        writeln!(out, "# {}", sentence.replace(';', ","))?;
    }
    writeln!(out, "global color=#e05206 width=2")?;
    writeln!(out, "icrs")?;
    if let Some(best) = scan.best_fit {
        point(out, best, "cross", "best fit")?;
    }
    for region in scan.regions {
        let share = percent(region.containment);
        for island in region.polygons() {
            match &island.edge {
                Some(edge) => polygon(out, "", edge, &format!("{share} %"))?,
                None => writeln!(
                    out,
                    "# The {share} % region is the whole sky, without what follows"
                )?,
            }
            for hole in &island.holes {
                polygon(out, "-", hole, &format!("{share} %, hole"))?;
            }
        }
    }
    for mark in scan.marks {
        point(out, mark.at, "diamond", &mark.name)?;
    }
    Ok(())
}

fn point(out: &mut dyn Write, at: Equatorial, shape: &str, name: &str) -> io::Result<()> {
    let (ra, dec) = (at.ra_rad.to_degrees(), at.dec_rad.to_degrees());
    writeln!(
        out,
        "point({ra:.6},{dec:.6}) # point={shape} text={{{}}}",
        label(name)
    )
}

fn polygon(out: &mut dyn Write, sign: &str, contour: &Contour, name: &str) -> io::Result<()> {
    let corner = |at: &Equatorial| {
        format!(
            "{:.6},{:.6}",
            at.ra_rad.to_degrees(),
            at.dec_rad.to_degrees()
        )
    };
    let corners: Vec<String> = contour.points.iter().map(corner).collect();
    writeln!(
        out,
        "{sign}polygon({}) # text={{{}}}",
        corners.join(","),
        label(name)
    )
}

/// Text that ends neither brace nor line of the format.
fn label(name: &str) -> String {
    clean(name, LONGEST_LABEL).replace(['{', '}', ';'], "'")
}
