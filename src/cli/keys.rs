//! Where the keys of a sealed transport are.

use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(super) struct KeyArguments {
    /// Folder of keys, for zmqs://; `skyscan keygen` makes it
    #[arg(long, value_name = "DIR", env = "SKYSCAN_KEYS", hide_env_values = true)]
    keys: Option<PathBuf>,
}

impl KeyArguments {
    pub(super) fn dir(&self) -> Option<&Path> {
        self.keys.as_deref()
    }
}
