//! `--tier`: other defaults of a scan, by what the answer is for.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

const SCAN: &str = "scan";
const TIER: &str = "tier";

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Tier {
    /// A rough direction where the computer is small and nobody waits.
    Pole,
    /// The direction that is sent to other telescopes.
    Mma,
    /// What goes into a catalogue.
    Archival,
}

impl Tier {
    const fn name(self) -> &'static str {
        match self {
            Self::Pole => "pole",
            Self::Mma => "mma",
            Self::Archival => "archival",
        }
    }

    /// Options, each with its value; whatever is not among them is as ever.
    const fn options(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Pole => &[
                ("reco", "linefit"),
                ("nside", "4,8,16,32,64"),
                ("regions", "wilks"),
            ],
            Self::Mma => &[("reco", "photon-mpe"), ("regions", "coverage")],
            Self::Archival => &[
                ("reco", "photon-mpe"),
                ("regions", "coverage"),
                ("systematics", "full"),
            ],
        }
    }
}

/// What words of a command line mean, with the defaults of the tier that a scan names, if it does; says to `say` what
/// that stands for.
///
/// # Errors
/// If they mean nothing, or ask for help.
pub(in crate::cli) fn settled(
    command: &Command,
    words: Vec<OsString>,
    say: impl FnOnce(&str),
) -> Result<ArgMatches, clap::Error> {
    let typed = command.clone().try_get_matches_from(words.clone())?;
    let scan = typed.subcommand_matches(SCAN);
    let Some(&tier) = scan.and_then(|scan| scan.get_one::<Tier>(TIER)) else {
        return Ok(typed);
    };
    let is_given = |option: &str| {
        scan.is_some_and(|scan| scan.value_source(option) == Some(ValueSource::CommandLine))
    };
    say(&meaning(tier, is_given));
    let of_tier = |scan: Command| {
        let options = tier.options().iter();
        options.fold(scan, |scan, &(option, value)| {
            scan.mut_arg(option, |argument| argument.default_value(value))
        })
    };
    (command.clone().mut_subcommand(SCAN, of_tier)).try_get_matches_from(words)
}

fn meaning(tier: Tier, is_given: impl Fn(&str) -> bool) -> String {
    let mut words = format!("tier {} stands for", tier.name());
    let mut given = String::new();
    for (option, value) in tier.options() {
        match is_given(option) {
            false => words += &format!(" --{option} {value}"),
            true => given += &format!(" --{option}"),
        }
    }
    match given.is_empty() {
        true => words,
        false => format!("{words}; as given:{given}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, ValueEnum};

    /// Whoever types them has them as explicit options, with the same values.
    #[test]
    fn every_tier_is_made_of_options_that_can_be_typed() {
        for tier in Tier::value_variants() {
            let mut typed = vec![
                "skyscan".to_owned(),
                SCAN.to_owned(),
                "event.json".to_owned(),
            ];
            for (option, value) in tier.options() {
                typed.extend([format!("--{option}"), (*value).to_owned()]);
            }
            let matches = crate::cli::Arguments::command().try_get_matches_from(typed);
            if let Err(error) = matches {
                panic!("{tier:?}: {error}");
            }
            assert_eq!(tier.to_possible_value().unwrap().get_name(), tier.name());
        }
    }

    #[test]
    fn what_is_given_is_told_apart() {
        assert_eq!(
            meaning(Tier::Mma, |_| false),
            "tier mma stands for --reco photon-mpe --regions coverage"
        );
        assert_eq!(
            meaning(Tier::Archival, |option| option == "systematics"),
            "tier archival stands for --reco photon-mpe --regions coverage; as given: --systematics"
        );
    }
}
