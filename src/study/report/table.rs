//! The tables, as Markdown.

use super::{Group, Mean, RecoReport, Report, Share};
use crate::output::summary::area;

/// Everything in words and tables.
pub fn text(report: &Report) -> String {
    let design = &report.design;
    let ices: Vec<String> = design.ices.iter().map(|ice| ice.words()).collect();
    let nsides: Vec<String> = design.nsides.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "# Answers beside the truth\n\n\
         Events of simulated light ({}), seed {}, {} to {} GeV, in {}: ice {}. Scans with nside {}.\n",
        design.light.name(),
        design.seed,
        design.energies_gev[0],
        design.energies_gev[1],
        design.detector,
        ices.join("; "),
        nsides.join(", "),
    );
    for reco in &report.recos {
        text += &table(reco);
    }
    text += "\nAngles are from the best pixel to the truth, in degrees. Areas are medians, in square degrees. \
             Intervals are those of Clopper and Pearson, 95 %. Along: zenith less true zenith; across: towards \
             larger azimuth; both in the mean, without events more than ten degrees off.\n";
    text
}

fn table(reco: &RecoReport) -> String {
    let mut text = format!(
        "\n## {}\n\nRegions by {}: {}.",
        reco.reco, reco.made.name, reco.made.meaning
    );
    if reco.n_unusable > 0 {
        text += &format!(" {} events cannot be used.", reco.n_unusable);
    }
    text += &match reco.n_missed {
        0 => " No better minimum was missed at the truth.".to_owned(),
        n => format!(
            " MISSED: {n} times a fit at the truth is better by more than 0.5, more than two pixels away."
        ),
    };
    text += "\n\n\
        | events | n | median | 68 % | 90 % | > 10 deg | in the 50 % region | in the 90 % region | 50 % area \
        | 90 % area | along | across |\n\
        |---|---|---|---|---|---|---|---|---|---|---|---|\n";
    for group in &reco.groups {
        text += &row(group);
    }
    text
}

fn row(group: &Group) -> String {
    let [half, most] = group.held.map(share);
    let [half_area, most_area] = group.area_deg2.map(area);
    format!(
        "| {} | {} | {:.2} | {:.2} | {:.2} | {} | {half} | {most} | {half_area} | {most_area} | {} | {} |\n",
        group.name,
        group.n,
        group.median_deg,
        group.p68_deg,
        group.p90_deg,
        group.n_far,
        mean(group.along_deg),
        mean(group.across_deg),
    )
}

fn share(share: Share) -> String {
    match share.share {
        Some(held) => format!("{held:.2} ({:.2} to {:.2})", share.low, share.high),
        None => "-".to_owned(),
    }
}

fn mean(mean: Option<Mean>) -> String {
    match mean {
        Some(Mean { mean, error }) => format!("{mean:+.3} +- {error:.3}"),
        None => "-".to_owned(),
    }
}
