//! What the numbers are: events read from every format, sky and coordinates, regions, output files,
//! beside the programs that others use for the same. One group a module; each trial has its group's
//! name in front.
//!
//! Copies of this program are what some trials start: see `event_input::memory`.

mod event_input;
#[path = "../needs/needs.rs"]
mod needs;
mod output_files;
mod output_fits;
mod output_plots;
mod output_skyreader;
mod reference_scans;
mod segmented_energies;
mod shares;
mod sky_coordinates;
mod sky_healpix;
mod sky_regions;
mod synthetic_events;

use libtest_mimic::Arguments;

fn main() {
    if event_input::memory::answered_as_child() {
        return;
    }
    let groups = [
        synthetic_events::trials(),
        event_input::trials(),
        sky_healpix::trials(),
        sky_coordinates::trials(),
        sky_regions::trials(),
        output_skyreader::trials(),
        output_files::trials(),
        output_fits::trials(),
        output_plots::trials(),
        reference_scans::trials(),
        segmented_energies::trials(),
        shares::trials(),
    ];
    let trials = groups.into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
