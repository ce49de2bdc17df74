//! The summary as text. Plain ASCII, so that it survives a pager, a chat and a GCN circular.

use std::fmt::{self, Display, Formatter};

use super::fold::{WIDTH, written};
use super::{BestFit, PutAsideWorker, RegionExtent, Summary};
use crate::doubt::{self, Doubt};
use crate::{EventIdentity, FailedFile, SubPixel, sexagesimal};
use skyscan_scan::TaskCounts;
use skyscan_sky::region::{CONTAINMENTS, MethodNote};

/// Reasons listed before the rest is only counted.
const LISTED_REASONS: usize = 3;

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(WIDTH))
    }
}

impl Summary {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.complete {
            self.warning(f)?;
        }
        opening(f, &self.regions)?;
        heading(f, &self.event)?;
        match &self.best_fit {
            Some(best_fit) => self.direction(f, best_fit)?,
            None => writeln!(
                f,
                "  NO BEST FIT: not a single pixel could be reconstructed\n"
            )?,
        }
        self.counts(f)
    }

    /// The answer for people in lines of so many columns.
    pub fn text(&self, width: usize) -> String {
        written(|f| self.write(f), width)
    }

    /// How many files there are and where, and which ones could not be written; empty if none was
    /// asked for.
    pub fn files_text(&self) -> String {
        let mut text = String::new();
        if let Some(dir) = self.files.first().and_then(|file| file.parent()) {
            text += &format!("  Files   {} in {}\n", self.files.len(), dir.display());
        }
        for (i, FailedFile { path, error }) in self.files_failed.iter().enumerate() {
            let label = if i == 0 { "FAILED" } else { "" };
            text += &format!("  {label:<7} {}: {error}\n", path.display());
        }
        text
    }

    /// Every file, a line each.
    pub fn list_of_files(&self) -> String {
        let lines = self
            .files
            .iter()
            .map(|file| format!("          {}\n", file.display()));
        lines.collect()
    }

    fn warning(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let TaskCounts {
            planned, accepted, ..
        } = self.tasks;
        let n_failed: u64 = self.failed_pixels.values().sum();
        if accepted == planned && n_failed > 0 {
            return writeln!(
                f,
                "WARNING: INCOMPLETE MAP, {n_failed} of {} pixels failed. The direction and its regions \
                 may be wrong.\n",
                self.pixels.values().sum::<u64>()
            );
        }
        writeln!(
            f,
            "WARNING: INCOMPLETE SCAN, {accepted} of {planned} tasks done. \
             The direction and its regions may still change.\n"
        )
    }

    fn direction(&self, f: &mut Formatter<'_>, best: &BestFit) -> fmt::Result {
        direction(
            f,
            [best.ra_deg, best.dec_deg],
            &self.regions,
            &self.regions_made,
            &self.quality,
        )?;
        writeln!(
            f,
            "  Fit     llh {:.3}, zenith {:.2} deg, azimuth {:.2} deg, {}",
            best.llh, best.zenith_deg, best.azimuth_deg, self.reco
        )?;
        match &self.truth {
            Some(truth) => writeln!(f, "  Truth   {truth}"),
            None => Ok(()),
        }
    }

    fn counts(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let pixels: Vec<String> = self
            .pixels
            .iter()
            .map(|(nside, n)| format!("{n} at nside {nside}"))
            .collect();
        if let Some(systematics) = &self.systematics {
            systematics.write(f, &self.regions)?;
        }
        if let Some(second) = &self.second_minimum {
            second.write(f)?;
        }
        doubts(f, &self.quality)?;
        writeln!(f, "  Pixels  {}", pixels.join(", "))?;
        self.failed_pixels(f)?;
        let tasks = &self.tasks;
        write!(f, "  Tasks   {} of {} done", tasks.accepted, tasks.planned)?;
        for (n, what) in [
            (tasks.failed, "failed and tried again"),
            (tasks.lost, "lost and given out again"),
            (tasks.speculated, "copied because they held up the rest"),
            (tasks.duplicate, "counted once though done twice"),
        ] {
            if n > 0 {
                write!(f, ", {n} {what}")?;
            }
        }
        writeln!(f)?;
        if let Some(PutAsideWorker { worker, reason }) = self.put_aside.first() {
            writeln!(
                f,
                "  ASIDE   {} workers, which failed at what others could do; worker {worker}: {reason}",
                self.put_aside.len()
            )?;
        }
        writeln!(
            f,
            "  Time    {} on the clock, {} of workers' time, over {}",
            duration(self.wall_seconds),
            duration(self.busy_seconds),
            self.transport
        )?;
        map_hash(f, &self.map_sha256)
    }

    fn failed_pixels(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let failed: u64 = self.failures.values().sum();
        if failed == 0 {
            return Ok(());
        }
        let mut reasons: Vec<(&String, &u64)> = self.failures.iter().collect();
        // Stable: equal counts stay in alphabetical order.
        reasons.sort_by(|a, b| b.1.cmp(a.1));
        let mut listed: Vec<String> = reasons
            .iter()
            .take(LISTED_REASONS)
            .map(|(reason, n)| format!("{n} {reason}"))
            .collect();
        if reasons.len() > LISTED_REASONS {
            let others: u64 = reasons[LISTED_REASONS..].iter().map(|(_, n)| **n).sum();
            listed.push(format!("{others} for other reasons"));
        }
        writeln!(f, "  FAILED  {failed} pixels: {}", listed.join("; "))
    }
}

/// The warning of an open region, before anything else is said.
pub(crate) fn opening(f: &mut Formatter<'_>, regions: &[RegionExtent]) -> fmt::Result {
    match doubt::opening(regions.iter().flat_map(|region| &region.gaps)) {
        Some(opening) => writeln!(f, "WARNING: {}.\n", opening.replace(". ", ".\n         ")),
        None => Ok(()),
    }
}

/// What makes the answer doubtful, a line each.
pub(crate) fn doubts(f: &mut Formatter<'_>, doubts: &[Doubt]) -> fmt::Result {
    for (i, doubt) in doubts.iter().enumerate() {
        let label = if i == 0 { "DOUBT" } else { "" };
        writeln!(f, "  {label:<7} {}", doubt.sentence())?;
    }
    Ok(())
}

/// Which event it is and when it happened.
pub(crate) fn heading(f: &mut Formatter<'_>, event: &EventIdentity) -> fmt::Result {
    write!(f, "Run {}  event {}", event.run_id, event.event_id)?;
    if !event.stream.is_empty() {
        write!(f, "  {}", event.stream)?;
    }
    if let Some(utc) = sexagesimal::utc(event.mjd) {
        write!(f, "  {utc} UTC")?;
    }
    writeln!(f, "  (MJD {:.6})\n", event.mjd)
}

/// The best direction with the reach of the largest region, then every region.
pub(crate) fn direction(
    f: &mut Formatter<'_>,
    [ra_deg, dec_deg]: [f64; 2],
    regions: &[RegionExtent],
    made: &MethodNote,
    doubts: &[Doubt],
) -> fmt::Result {
    // Its reach is what a telescope has to cover.
    let widest = told(regions, |region| region.containment);
    let errors = |pair: Option<(f64, f64)>| match pair {
        Some((plus, minus)) if all_around(plus, minus) => format!("{:<14}", "any"),
        Some((plus, minus)) => format!("{:<14}", format!("+{plus:.2} -{minus:.2}")),
        None => String::new(),
    };
    writeln!(
        f,
        "  RA      {:>7} deg  {} {}",
        sexagesimal::ra_degrees(ra_deg),
        errors(widest.map(|w| (w.ra_plus_deg, w.ra_minus_deg))),
        sexagesimal::hours(ra_deg),
    )?;
    writeln!(
        f,
        "  Dec     {:>+7.2} deg  {} {}",
        dec_deg,
        errors(widest.map(|w| (w.dec_plus_deg, w.dec_minus_deg))),
        sexagesimal::degrees(dec_deg),
    )?;
    match widest {
        Some(widest) if !widest.gaps.is_empty() => writeln!(
            f,
            "          J2000; not to be sent as it is, since the region is open. Errors reach to its edge\n"
        )?,
        Some(widest) => writeln!(
            f,
            "          J2000; {}. Errors reach to the edge of the {} % region{}\n",
            match doubts.iter().any(|doubt| doubt.forbids_to_send()) {
                true => "not to be sent as it is, see DOUBT",
                false => "send this one",
            },
            percent(widest.containment),
            match doubts.contains(&Doubt::SecondMinimum) {
                true => ", over the gaps between its islands",
                false => "",
            }
        )?,
        None => writeln!(
            f,
            "          J2000; NO REGION: the likelihood map has no contour\n"
        )?,
    }
    for region in regions {
        write!(
            f,
            "  {:<7} {:>7} deg2       2 dllh < {:.2}",
            format!("{} %", percent(region.containment)),
            area(region.area_deg2),
            region.level
        )?;
        if region.contour_level > region.level {
            write!(f, "; LESS THAN A PIXEL, grown to one: give a finer --nside")?;
        }
        if !region.closed {
            write!(f, "; OPEN")?;
        }
        writeln!(f)?;
    }
    if !regions.is_empty() {
        writeln!(f, "          {}\n", made.meaning)?;
    }
    Ok(())
}

/// The best fit between pixel centres, if there is one: for those who compare fits. The direction to send
/// is the best pixel, to which regions and errors belong.
pub(crate) fn sub_pixel(f: &mut Formatter<'_>, fit: Option<&SubPixel>) -> fmt::Result {
    let Some(fit) = fit else { return Ok(()) };
    writeln!(
        f,
        "          between pixels, not to send: RA {}, Dec {:+.2} deg, sigma {:.2} x {:.2} deg at {:.0} deg",
        sexagesimal::ra_degrees(fit.ra_deg),
        fit.dec_deg,
        fit.sigma_major_deg,
        fit.sigma_minor_deg,
        fit.position_angle_deg
    )
}

/// Whether a region reaches around a pole: then every right ascension is in it, and the reach to
/// either side says nothing.
pub(crate) fn all_around(ra_plus_deg: f64, ra_minus_deg: f64) -> bool {
    ra_plus_deg + ra_minus_deg >= 359.99
}

/// The hash of the map.
pub(crate) fn map_hash(f: &mut Formatter<'_>, sha256: &str) -> fmt::Result {
    writeln!(f, "  sha256  {sha256}")
}

/// A share in percent, with as many of two decimals as it needs: `90`, `99.7`.
pub fn percent(share: f64) -> String {
    let text = format!("{:.2}", 100.0 * share);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Of all regions the one that an answer stands on: that of 90 % if there is one, the largest otherwise.
pub(crate) fn told<R>(regions: &[R], containment: impl Fn(&R) -> f64) -> Option<&R> {
    const USUAL: f64 = CONTAINMENTS[CONTAINMENTS.len() - 1];
    let usual = regions.iter().find(|region| containment(region) == USUAL);
    let largest = || {
        regions
            .iter()
            .max_by(|a, b| containment(a).total_cmp(&containment(b)))
    };
    usual.or_else(largest)
}

/// Three significant digits, whatever the size.
pub fn area(deg2: f64) -> String {
    let decimals = match deg2.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        size if size >= 0.09995 => 3,
        _ => 4,
    };
    format!("{deg2:.decimals$}")
}

fn duration(seconds: f64) -> String {
    if seconds < 120.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    if whole < 7200 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        format!("{} h {:02} min", whole / 3600, whole / 60 % 60)
    }
}

#[cfg(test)]
mod tests;
