//! `skyscan reco levels`

use std::path::PathBuf;

use anyhow::{Context, anyhow};

use super::validate::write_table;
use crate::cli::input::DetectorArguments;
use crate::cli::{Failure, Format, bad_input, failed, print, tell};
use crate::sky::region::RegionMethod;
use crate::study::design::Design;
use crate::study::folder::{Answer, Folder};
use crate::study::levels::{self, FLOORS_DEG, LeftOut};
use crate::study::measure::{Measured, Measuring};
use crate::study::statistics::Share;

/// Find levels of regions from studies, and count what they hold in ices that they do not come from
///
/// Takes the folders of one or more studies (skyscan reco validate) of the same telescope, light, energies and
/// numerics, of different seeds. For each of their ices levels are found from the events in all others, and counted on
/// those in it: no event is judged by levels that it, or its ice, had a part in. The file, for scan --regions
/// coverage=FILE, has the levels of all events.
///
/// Example: skyscan reco levels studies/a studies/b --reco photon-mpe --out coverage.json
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Folders of studies
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Reconstructions to find levels for [default: all that the studies tried]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    reco: Vec<String>,
    /// Coverage file to write
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    detector: DetectorArguments,
    /// How the table is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let detector = arguments.detector.read()?;
    let designs = (arguments.folders.iter())
        .map(|dir| Folder::design(dir).with_context(|| format!("{} holds no study", dir.display())))
        .collect::<anyhow::Result<Vec<Design>>>()
        .map_err(bad_input)?;
    let all: Vec<&Design> = designs.iter().collect();
    levels::check_alike(&all).map_err(bad_input)?;
    let (first, more) = all
        .split_first()
        .ok_or_else(|| bad_input(anyhow!("name the folder of a study")))?;
    let mut measured: Vec<Measured> = Vec::new();
    for (dir, design) in arguments.folders.iter().zip(&designs) {
        let folder = Folder::open(dir, design).map_err(failed)?;
        let is_asked = |answer: &&Answer| {
            let of_reco = arguments.reco.is_empty() || arguments.reco.contains(&answer.reco);
            of_reco && answer.systematics.is_none()
        };
        let answers: Vec<_> = folder
            .answers()
            .filter(is_asked)
            .map(|answer| (answer.clone(), RegionMethod::Wilks))
            .collect();
        tell(&format!(
            "measures {} maps of {}",
            answers.len(),
            dir.display()
        ));
        let measuring = Measuring {
            folder: &folder,
            detector: &detector,
            floors_deg: &FLOORS_DEG,
            enclosed: design.enclosed,
        };
        measured.extend(measuring.all(&answers).map_err(failed)?);
    }
    let measured: Vec<&Measured> = measured.iter().collect();
    if measured.is_empty() {
        return Err(bad_input(anyhow!(
            "these studies have no answers of {}",
            arguments.reco.join(", ")
        )));
    }
    let rows = levels::left_out(first, &measured).map_err(bad_input)?;
    print(&match arguments.format {
        Format::Text => text(&rows),
        Format::Json => serde_json::to_string(&rows).map_err(failed)?,
    })?;
    if let Some(path) = &arguments.out {
        let table = levels::table(first, more, &measured).map_err(bad_input)?;
        write_table(path, &table)?;
    }
    Ok(0)
}

/// The table, as Markdown.
fn text(rows: &[LeftOut]) -> String {
    let share = |share: &Share| {
        let value = share.share.unwrap_or(f64::NAN);
        format!("{value:.2} ({:.2} to {:.2})", share.low, share.high)
    };
    let mut text = "Each ice by levels from all others; intervals are those of Clopper and Pearson, 95 %.\n\n\
        | reco | events | n | below the 50 % level | below the 90 % level |\n|---|---|---|---|---|\n"
        .to_owned();
    for LeftOut { reco, events, held } in rows {
        let [half, most] = held;
        text += &format!(
            "| {reco} | {events} | {} | {} | {} |\n",
            half.n,
            share(half),
            share(most)
        );
    }
    text
}
