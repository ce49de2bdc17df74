//! The `skyscan` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    skyscan::cli::run()
}
