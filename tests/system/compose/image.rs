//! The image of the program under test: built once for all trials, from base images that are there.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::compose::project::run;
use crate::compose::{ROOT, Result, SKYSCAN};

/// Built when it is first asked for; gone when dropped.
#[derive(Debug, Default)]
pub(crate) struct Image {
    /// Its name, or why there is none.
    built: OnceLock<std::result::Result<String, String>>,
}

impl Image {
    pub(crate) fn name(&self) -> Result<&str> {
        let build = || {
            let name = format!("skyscan-test-{}", std::process::id());
            let built = build(&name).map_err(|error| error.to_string());
            built.map(|()| name)
        };
        match self.built.get_or_init(build) {
            Ok(name) => Ok(name),
            Err(error) => Err(error.clone().into()),
        }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let Some(Ok(name)) = self.built.get() else {
            return;
        };
        if let Err(error) = run(Command::new("docker").args(["rmi", name, &first_stage(name)])) {
            #[expect(clippy::print_stderr, reason = "a drop can return nothing")]
            {
                eprintln!("left behind: {error}");
            }
        }
    }
}

fn first_stage(name: &str) -> String {
    format!("{name}-builder")
}

fn build(name: &str) -> Result<()> {
    let bases = ["debian", "rabbitmq", "prometheus", "python"];
    run(Command::new(Path::new(ROOT).join("deploy/base-images")).args(bases))?;
    let context = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&context)?;
    fs::copy(SKYSCAN, context.join("skyscan"))?;
    // The classic builder leaves the first stage behind, so it gets a name to be removed by.
    let first = first_stage(name);
    for (target, tag) in [(&["--target", "builder"][..], first.as_str()), (&[], name)] {
        run(Command::new("docker")
            .args(["build", "--build-arg", "BUILDER=debian:bookworm-slim"])
            .args(["--tag", tag])
            .args(target)
            .arg("--file")
            .arg(Path::new(ROOT).join("deploy/Dockerfile"))
            .arg(&context))?;
    }
    fs::remove_dir_all(&context)?;
    Ok(())
}
