//! `skyscan map show|plot|compare|convert`

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Subcommand, ValueEnum};

use super::direction::MarkArguments;
use super::regions::{RegionArguments, Regions};
use super::scan::{complete_rounds, doubts, tell_failed};
use super::{FAILED, Failure, Format, bad_input, failed, print, print_bytes, tell};
use crate::journal::{self, Contents};
use crate::output::comparison::{Comparison, Side, names_of};
use crate::output::{
    self, Declination, Drafts, MapView, ScanFile, ScanFileError, ScanRecord, Values, Written,
};
use crate::scan::NUMERICS;
use crate::scan::systematics::Combined;
use crate::sky::map::SkyMap;
use crate::sky::region::RegionChoice;
use crate::sky::sub_pixel::SubPixelFit;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show what a result file says: direction, errors, regions
    ///
    /// Example: skyscan map show results/run00136766.evt000007637140.GOLD_4_8_16_32_64_128_256_512.npz
    ///
    /// Example: skyscan map show old.npz --declination mirrored --regions calibrated
    ///
    /// Of several files one after the other is shown; as JSON, a line each.
    Show {
        #[command(flatten)]
        file: FileArguments,
        /// Further files
        #[arg(value_name = "MORE")]
        more: Vec<PathBuf>,
        #[command(flatten)]
        regions: RegionArguments,
        /// How the result is printed
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Draw a result file: full sky and zoom, as PNG and SVG
    ///
    /// Example: skyscan map plot result.json --regions posterior --out plots
    ///
    /// Example: skyscan map plot result.json --levels 50,68,90,99 --mark 14:57:53,+41:06:48=blazar --out plots
    Plot {
        #[command(flatten)]
        to: WriteArguments,
    },
    /// Compare two maps of an event: how far apart, how much of their regions is shared
    ///
    /// Example: skyscan map compare result.json other.npz --out plots
    Compare {
        #[command(flatten)]
        first: FileArguments,
        /// The other result, as FILE
        #[arg(value_name = "OTHER")]
        second: PathBuf,
        #[command(flatten)]
        regions: RegionArguments,
        /// Folder for a picture of both, as PNG and SVG
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// How the result is printed
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Write every file that a scan leaves in --out from a result file
    ///
    /// Example: skyscan map convert old.npz --declination mirrored --mjd 59754.67588 --out results
    Convert {
        #[command(flatten)]
        to: WriteArguments,
    },
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct FileArguments {
    /// Result of skyscan or of IceCube's scanner, JSON or npz, a journal of a scan, finished or not, or a
    /// map in FITS (flat or multi-order, of probability or llh, also gzipped); - for standard input
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Sign of the declinations, for files of version 0 that do not tell: mirrored before April 2023
    #[arg(long, value_enum, value_name = "SIGN")]
    declination: Option<Sign>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sign {
    Standard,
    Mirrored,
}

#[derive(Debug, clap::Args)]
pub(super) struct WriteArguments {
    #[command(flatten)]
    file: FileArguments,
    #[command(flatten)]
    regions: RegionArguments,
    /// Start of the event as a modified Julian date, for files that do not tell
    #[arg(long)]
    mjd: Option<f64>,
    #[command(flatten)]
    marks: MarkArguments,
    /// Folder for the files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write the draft of a notice even if a region is open (convert)
    #[arg(long)]
    draft_open: bool,
}

impl FileArguments {
    /// The same of another file.
    fn at(&self, path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            ..self.clone()
        }
    }

    fn read(&self) -> Result<ScanFile, Failure> {
        if journal::is_journal(&self.path) {
            return of_journal(&self.path);
        }
        let declination = self.declination.map(|sign| match sign {
            Sign::Standard => Declination::Standard,
            Sign::Mirrored => Declination::Mirrored,
        });
        output::read_scan_file(&self.path, declination).map_err(bad_input)
    }

    /// Asks for a sign only where the file does not tell: of two files one may.
    fn read_as_told(&self) -> Result<ScanFile, Failure> {
        if journal::is_journal(&self.path) {
            return of_journal(&self.path);
        }
        match output::read_scan_file(&self.path, None) {
            Err(ScanFileError::UnknownDeclination(_)) => self.read(),
            read => read.map_err(bad_input),
        }
    }
}

/// What is in a journal by now, as a result file would have it: averaged over systematics once all are there.
fn of_journal(path: &Path) -> Result<ScanFile, Failure> {
    let Contents {
        asked,
        atlas,
        is_finished,
        ..
    } = journal::read(path).map_err(bad_input)?;
    let averaged = Combined::of(&atlas).filter(|_| is_finished);
    let event_doubts = doubts(&asked.problem, asked.regions.method(), averaged.is_some());
    let map = averaged.map_or_else(|| SkyMap::clone(&atlas.nominal), |averaged| averaged.map);
    let event = &asked.problem.event;
    Ok(ScanFile {
        complete: complete_rounds(&map, is_finished, &asked.plan),
        map,
        run_and_event: Some((event.run_id, event.event_id)),
        mjd: Some(event.mjd),
        stream: event.stream.clone(),
        event_doubts,
        hit_doms: Some(output::hit_doms(event)),
        // A journal of others is not read.
        numerics: Some(NUMERICS),
        reco: asked.problem.reco,
        declination: Declination::Standard,
        values: Values::Llh,
    })
}

pub(super) fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Show {
            file,
            more,
            regions,
            format,
        } => {
            let regions = regions.read()?;
            let others = more.iter().map(|path| file.at(path));
            for (n, file) in std::iter::once(file.clone()).chain(others).enumerate() {
                if n > 0 && *format == Format::Text {
                    print_bytes(b"\n")?;
                }
                let map = file.read()?;
                let view = MapView::new(&map, &of_file(&map, &regions)?);
                print(&match format {
                    Format::Text if more.is_empty() => view.to_string(),
                    Format::Text => format!("{}\n\n{view}", file.path.display()),
                    Format::Json => serde_json::to_string(&view).map_err(failed)?,
                })?;
            }
        }
        Command::Compare {
            first,
            second,
            regions,
            out,
            format,
        } => {
            let second = first.at(second);
            return compare([first, &second], &regions.read()?, out.as_deref(), *format);
        }
        Command::Plot { to } => return write(to, output::write_plots),
        Command::Convert { to } => return write(to, output::write_all),
    }
    Ok(0)
}

/// The regions that were asked for, as they are for the event of a file.
fn of_file(file: &ScanFile, regions: &Regions) -> Result<RegionChoice, Failure> {
    regions.of_event(&file.reco, "", file.hit_doms)
}

/// Reads two files and tells what they say of each other.
fn compare(
    files: [&FileArguments; 2],
    regions: &Regions,
    out: Option<&Path>,
    format: Format,
) -> Result<u8, Failure> {
    let names = names_of(files.map(|file| file.path.as_path()));
    let side = |arguments: &FileArguments, name: &str| {
        let file = arguments.read_as_told()?;
        let choice = of_file(&file, regions)?;
        let side = Side::of(name, &file, &choice).ok_or_else(|| {
            bad_input(anyhow!(
                "{} holds no pixel that could be fitted",
                arguments.path.display()
            ))
        })?;
        Ok((file.map, side))
    };
    let ((first_map, first), (second_map, second)) =
        (side(files[0], &names[0])?, side(files[1], &names[1])?);
    let comparison = Comparison::new([&first_map, &second_map], [&first, &second]);
    let written = out.map(|out| output::write_comparison(out, [&first, &second], &comparison));
    print(&match format {
        Format::Text => comparison.to_string(),
        Format::Json => serde_json::to_string(&comparison).map_err(failed)?,
    })?;
    Ok(written.as_ref().map_or(0, code))
}

/// The code to leave with; says what could not be written.
fn code(written: &Written) -> u8 {
    tell_failed(written);
    match written.failed.is_empty() {
        true => 0,
        false => FAILED,
    }
}

/// What stands for the reconstruction of a map whose llh was made from probabilities.
const FROM_PROBABILITIES: &str = "-ln of probability density";

/// Reads the file, has others written and prints their paths.
fn write(
    to: &WriteArguments,
    writer: impl FnOnce(&Path, &ScanRecord<'_>) -> Written,
) -> Result<u8, Failure> {
    let file = to.file.read()?;
    let marks = to.marks.at(None)?;
    let choice = of_file(&file, &to.regions.read()?)?;
    let method = file.region_method(choice.method());
    let regions = file.regions(&choice);
    let event = file.identity(to.mjd).ok_or_else(|| {
        bad_input(anyhow!(
            "{} does not tell its run and event or its date: name it run<N>.evt<N>.<STREAM> and give --mjd",
            to.file.path.display()
        ))
    })?;
    let scan = ScanRecord {
        event,
        reco: match (file.values, file.reco.as_str()) {
            (Values::Probability, "") => FROM_PROBABILITIES,
            (_, reco) => reco,
        },
        numerics: file.numerics,
        detector: "",
        map: &file.map,
        complete: file.complete.clone(),
        best_fit: file.map.best().map(|(pixel, _)| pixel.center()),
        sub_pixel: SubPixelFit::of(&file.map),
        method,
        regions: &regions,
        hit_doms: file.hit_doms,
        event_doubts: &file.event_doubts,
        marks: &marks,
        drafts: match to.draft_open {
            true => Drafts::Always,
            false => Drafts::OfClosedRegions,
        },
        systematics: None,
    };
    let written = writer(&to.out, &scan);
    let lines = written.files.iter().map(|file| file.display().to_string());
    print(&lines.collect::<Vec<String>>().join("\n"))?;
    if let Some(why) = written.withheld {
        tell(&format!("no draft of a notice, {why}"));
    }
    Ok(code(&written))
}
