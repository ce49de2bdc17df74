//! `skyscan result`

use std::fs::File;
use std::io::copy;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use serde::Deserialize;
use serde_json::Value;
use skyscan_service::scan::ScanName;
use ureq::http::Method;

use super::submit::name;
use super::{PATIENCE, ServerArguments, Service, Standing};
use crate::cli::serve::ANSWER;
use crate::cli::{Failure, Format, bad_input, failed, print, tell};

/// Print what a scan of a service found, and fetch its files
///
/// Example: skyscan result 138632-31747601-0a1b2c3d --out results
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The scan
    #[arg(value_name = "SCAN")]
    scan: String,
    /// Fetch its result files into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How it is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    server: ServerArguments,
}

#[derive(Debug, Deserialize)]
struct Files {
    files: Vec<ListedFile>,
}

#[derive(Debug, Deserialize)]
struct ListedFile {
    name: String,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let service = arguments.server.service()?;
    let id = name(&arguments.scan)?;
    show(&service, &id, arguments.format)?;
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out)
            .with_context(|| format!("cannot make {}", out.display()))
            .map_err(failed)?;
        let listed: Files = service.get(&format!("scans/{id}/files"))?;
        for file in &listed.files {
            fetch(&service, &id, &file.name, out)?;
        }
        tell(&format!(
            "fetched {} files into {}",
            listed.files.len(),
            out.display()
        ));
    }
    Ok(0)
}

/// Prints what was found.
pub(super) fn show(service: &Service, id: &ScanName, format: Format) -> Result<(), Failure> {
    let Standing { scan, .. } = service.get(&format!("scans/{id}"))?;
    if !scan.state.is_end() {
        return Err(bad_input(anyhow!(
            "{id} is {} and has no result yet: skyscan watch {id}",
            scan.state.word()
        )));
    }
    if let (Some(error), None) = (&scan.error, scan.best) {
        return Err(bad_input(anyhow!("{id} has no result: {error}")));
    }
    match format {
        Format::Json => {
            let found: Value = service.get(&format!("scans/{id}/result"))?;
            print(&found.to_string())
        }
        Format::Text => {
            let path = format!("scans/{id}/files/{ANSWER}");
            let mut answer = service.ask(Method::GET, &path, None, Some(PATIENCE))?;
            let words = answer.body_mut().read_to_string();
            print(&words.context("the answer was cut").map_err(failed)?)
        }
    }
}

fn fetch(
    service: &Service,
    id: &ScanName,
    name: &str,
    out: &std::path::Path,
) -> Result<(), Failure> {
    let is_plain = !name.contains(['/', '\\', '\0']) && !name.starts_with('.');
    if !is_plain {
        return Err(failed(anyhow::anyhow!(
            "the service names a file {name:?}, which is none of a scan"
        )));
    }
    let answer = service.ask(Method::GET, &format!("scans/{id}/files/{name}"), None, None)?;
    let path = out.join(name);
    let part = out.join(format!("{name}.part"));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&part)?;
        copy(&mut answer.into_body().into_reader(), &mut file)?;
        std::fs::rename(&part, &path)
    };
    write()
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(failed)
}
