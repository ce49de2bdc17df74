//! `skyscan guard`, which workers call: an external program below a guard.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use rlimit::Resource;

use super::{Failure, bad_input};
use crate::reco::external::{self, Guard};

/// Name of the subcommand.
pub(super) const SUBCOMMAND: &str = "guard";

/// Run a program on this one's standard streams and end it when the input's other end is gone
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// How this very program is called as a guard: whatever has become of its file meanwhile.
pub(super) fn guard() -> Result<Guard, Failure> {
    let file = match cfg!(target_os = "linux") {
        true => PathBuf::from("/proc/self/exe"),
        false => std::env::current_exe().map_err(bad_input)?,
    };
    Ok(Guard {
        file,
        arguments: vec![SUBCOMMAND.to_owned(), "--".to_owned()],
    })
}

/// Ends as the program did.
pub(super) fn run(arguments: &Arguments) -> u8 {
    let Some((file, rest)) = arguments.words.split_first() else {
        return super::BAD_INPUT;
    };
    let code = match external::guard(file, rest) {
        Ok(end) => {
            // The program has left its own core.
            let _none = rlimit::setrlimit(Resource::CORE, 0, 0);
            end.imitate()
        }
        Err(error) => {
            // The worker tells it on; nobody else reads.
            let _ = writeln!(std::io::stderr(), "{error}");
            external::NOT_STARTED
        }
    };
    u8::try_from(code).unwrap_or(super::FAILED)
}
