//! `skyscan status`

use serde::Deserialize;
use skyscan_service::scan::Scan;

use super::submit::{name, told};
use super::{ServerArguments, Standing, table};
use crate::cli::{Failure, Format, failed, print};

/// Say which scans a service has, or how one of them stands
///
/// Example: skyscan status --server http://scans.example:8080 --token-file token
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// A scan; without it the latest ones are listed
    #[arg(value_name = "SCAN")]
    scan: Option<String>,
    /// How many are listed
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// How it is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, Deserialize)]
struct Listed {
    scans: Vec<Scan>,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let service = arguments.server.service()?;
    if let Some(typed) = &arguments.scan {
        let standing: Standing = service.get(&format!("scans/{}", name(typed)?))?;
        told(&standing.scan, arguments.format)?;
        return Ok(0);
    }
    let listed: Listed = service.get(&format!("scans?limit={}", arguments.limit))?;
    match arguments.format {
        Format::Json => print(&serde_json::to_string(&listed.scans).map_err(failed)?)?,
        Format::Text if listed.scans.is_empty() => {
            print("no scans yet: skyscan submit brings an alert")?;
        }
        Format::Text => print(&table::of(&listed.scans))?,
    }
    Ok(0)
}
