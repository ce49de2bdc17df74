//! What the log is like: chosen by `SKYSCAN_LOG`, as text or as JSON.

use std::fmt;
use std::ops::Range;

use clap::ValueEnum;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

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
            LogForm::Text if asked.is_empty() => {
                let lines = lines.event_format(Plain);
                log.with(lines.with_filter(filter)).init();
            }
            LogForm::Text => log.with(lines.with_filter(filter)).init(),
            LogForm::Json => {
                stderr::tell_json();
                let lines = lines.json().flatten_event(true);
                log.with(lines.with_filter(filter)).init();
            }
        }
    }
}

/// Where it is in `2026-11-30T20:54:57.123456Z`.
const TIME_OF_DAY: Range<usize> = 11..19;

/// Lines for whoever has asked for nothing: as all that is told, with the time of the day (UTC).
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut now = String::new();
        SystemTime.format_time(&mut Writer::new(&mut now))?;
        let time_of_day = now.get(TIME_OF_DAY).unwrap_or(&now);
        let level = match *event.metadata().level() {
            Level::ERROR => "error: ",
            Level::WARN => "warning: ",
            _ => "",
        };
        write!(line, "skyscan: {time_of_day} {level}")?;
        context.format_fields(line.by_ref(), event)?;
        writeln!(line)
    }
}

/// What is logged unless `SKYSCAN_LOG` asks for something else. What lapin has to say of a lost
/// connection, its transport says better.
const LOGGED: &str = "warn,skyscan_service=info,lapin=off";

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
