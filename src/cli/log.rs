//! What the log is like: chosen by `SKYSCAN_LOG`, as text or as JSON.

use clap::ValueEnum;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

use super::stderr;

#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct LogArguments {
    /// How what is told on stderr is written: text, or json, one object a line, for those who collect logs
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        default_value = "text",
        env = "SKYSCAN_LOG_FORM"
    )]
    log: LogForm,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LogForm {
    #[default]
    Text,
    Json,
}

impl LogArguments {
    /// Starts the log; to be called once.
    pub(super) fn start(self) {
        let asked = std::env::var("SKYSCAN_LOG").unwrap_or_default();
        let filter = filter(&asked);
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(|| stderr::Log)
            .with_ansi(stderr::is_coloured());
        let log = tracing_subscriber::registry();
        match self.log {
            LogForm::Text => log.with(lines.with_filter(filter)).init(),
            LogForm::Json => {
                stderr::tell_json();
                let lines = lines.json().flatten_event(true);
                log.with(lines.with_filter(filter)).init();
            }
        }
    }
}

/// What is logged unless `SKYSCAN_LOG` asks for something else. What lapin has to say of a lost
/// connection, its transport says better.
const LOGGED: &str = "warn,lapin=off";

/// What `SKYSCAN_LOG` asks for: levels, each of everything or of a target (`info,lapin=off`). What it
/// cannot mean is passed over. What everybody is told is always there.
fn filter(asked: &str) -> Targets {
    let is_understood = |level: &&str| level.parse::<Targets>().is_ok();
    let asked = asked
        .split(',')
        .map(str::trim)
        .filter(|level| !level.is_empty());
    let understood: Vec<&str> = asked.filter(is_understood).collect();
    let levels = match understood.is_empty() {
        true => LOGGED.to_owned(),
        false => understood.join(","),
    };
    let levels: Targets = levels.parse().unwrap_or_default();
    levels.with_target(stderr::TOLD, LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_log_is_asked_for_by_levels_and_targets() {
        let shows = |asked: &str, target: &str, level| filter(asked).would_enable(target, &level);
        for asked in ["", " ", ",", "skyscan=loud"] {
            assert!(shows(asked, "skyscan::cli", Level::WARN), "{asked:?}");
            assert!(!shows(asked, "skyscan::cli", Level::INFO), "{asked:?}");
            assert!(!shows(asked, "lapin::channel", Level::ERROR), "{asked:?}");
            assert!(shows(asked, stderr::TOLD, Level::INFO), "{asked:?}");
        }
        assert!(shows("info", "lapin", Level::INFO));
        assert!(shows("skyscan=debug", "skyscan::actors", Level::DEBUG));
        assert!(!shows("skyscan=debug", "other", Level::ERROR));
        // What is not understood changes nothing of the rest.
        let partly = "skyscan=loud, info, lapin=off";
        assert!(shows(partly, "skyscan", Level::INFO));
        assert!(!shows(partly, "lapin", Level::ERROR));
    }
}
