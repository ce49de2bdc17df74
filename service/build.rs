//! Embeds the page: every file of `page/` becomes a row of a table, so that none is left out.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=page");
    println!("cargo::rerun-if-changed=build.rs");
    let page = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("page");
    let mut files = Vec::new();
    collect(&page, &mut files)?;
    files.sort();
    let mut table = "&[\n".to_owned();
    for file in files {
        let name = file.strip_prefix(&page)?.display();
        writeln!(
            table,
            "    (\"{name}\", include_bytes!({:?})),",
            file.display().to_string()
        )?;
    }
    table += "]\n";
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("page.rs"), table)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}
