//! `skyscan cancel`

use skyscan_service::scan::Scan;
use ureq::http::Method;

use super::submit::{name, told};
use super::{PATIENCE, ServerArguments};
use crate::cli::{Failure, Format};

/// End a scan of a service; what it has found so far is kept, and submitted again it goes on
///
/// Example: skyscan cancel 138632-31747601-0a1b2c3d
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The scan
    #[arg(value_name = "SCAN")]
    scan: String,
    /// How it is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    server: ServerArguments,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let service = arguments.server.service()?;
    let path = format!("scans/{}/cancel", name(&arguments.scan)?);
    let answer = service.ask(Method::POST, &path, None, Some(PATIENCE))?;
    let scan: Scan = service.json(answer)?;
    told(&scan, arguments.format)?;
    Ok(0)
}
