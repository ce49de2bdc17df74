//! `skyscan token`

use std::path::PathBuf;

use anyhow::anyhow;
use skyscan_service::tokens::{Role, Tokens};

use crate::cli::{Failure, bad_input, failed, print, tell};

/// Make tokens for those who ask a service, list and remove them
///
/// On the machine of the service, beside its --data; a running service knows at once.
///
/// Example: skyscan token add shift --role submit --data scans
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Make a token; it is printed now and never again
    ///
    /// Example: skyscan token add shift --role submit --data scans
    Add {
        /// Whose it is: stands in the list of scans as the one who brought them
        #[arg(value_name = "NAME")]
        name: String,
        /// read: see everything; submit: bring alerts, and change those; admin: change everything
        #[arg(long, value_name = "ROLE", value_parser = role)]
        role: Role,
        #[command(flatten)]
        data: DataArgument,
    },
    /// List who has one
    ///
    /// Example: skyscan token list --data scans
    List {
        #[command(flatten)]
        data: DataArgument,
    },
    /// Remove one: whoever has it is let in no more
    ///
    /// Example: skyscan token remove shift --data scans
    Remove {
        /// Whose it is
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        data: DataArgument,
    },
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DataArgument {
    /// Folder of the service
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl DataArgument {
    fn tokens(&self) -> Result<Tokens, Failure> {
        if !self.data.join("scans").is_dir() {
            let shown = self.data.display();
            return Err(bad_input(anyhow!(
                "{shown} is no folder of a service: give the --data of skyscan serve, which makes it"
            )));
        }
        Tokens::open(&self.data).map_err(failed)
    }
}

fn role(text: &str) -> Result<Role, String> {
    Role::of(text).ok_or_else(|| "write read, submit or admin".to_owned())
}

pub(in crate::cli) fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Add { name, role, data } => {
            let token = data.tokens()?.add(name, *role).map_err(bad_input)?;
            tell(&format!(
                "a token for {name}, who may {}: keep it, it is not shown again",
                role.word()
            ));
            print(&token)?;
        }
        Command::List { data } => {
            let holders = data.tokens()?.list().map_err(failed)?;
            let lines = holders
                .iter()
                .map(|holder| format!("{:<8}{}\n", holder.role.word(), holder.name));
            print(&lines.collect::<String>())?;
        }
        Command::Remove { name, data } => {
            if !data.tokens()?.remove(name).map_err(failed)? {
                return Err(bad_input(anyhow!(
                    "nobody of the name {name:?} has a token"
                )));
            }
        }
    }
    Ok(0)
}
