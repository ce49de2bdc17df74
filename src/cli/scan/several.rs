//! Several events in one call: one after the other, a table at the end. One that cannot be scanned
//! keeps none of the others away.

use std::path::PathBuf;

use serde_json::json;

use super::answer::{Answer, Call, Stop, own_folder};
use crate::cli::input::EventArguments;
use crate::cli::{BAD_INPUT, Failure, Format, INCOMPLETE, print, tell, with_causes};
use crate::output::summary::{Summary, area};

/// A line of the table.
struct Row {
    event: String,
    answer: Result<Summary, u8>,
}

impl Call<'_> {
    /// Scans all of them; leaves with the code of the one that went worst.
    pub(super) fn answer_each(&self, events: &[EventArguments]) -> Result<u8, Failure> {
        let mut stop: Option<Stop> = None;
        let mut taken: Vec<PathBuf> = Vec::new();
        let mut rows = Vec::new();
        let mut code = 0;
        for event in events {
            if stop.as_ref().is_some_and(Stop::is_asked) {
                tell(&format!(
                    "stopped; {} events were not begun",
                    events.len() - rows.len()
                ));
                code = worse(code, INCOMPLETE);
                break;
            }
            let out = self.arguments.out.as_deref();
            let folder = |event: &_| out.map(|out| own_folder(out, event, &mut taken));
            let answered = self.answer(event, folder, &mut stop);
            let name = event.path().display().to_string();
            let (event_code, row) = match answered {
                Ok(Answer { code, summary }) => {
                    let event = format!("{} {}", summary.event.run_id, summary.event.event_id);
                    let answer = Ok(summary);
                    (code, Row { event, answer })
                }
                Err(Failure { code, error }) => {
                    let error = with_causes(&error);
                    tell(&error);
                    if self.arguments.format == Format::Json {
                        print(&json!({"input": name, "error": error}).to_string())?;
                    }
                    let answer = Err(code);
                    (
                        code,
                        Row {
                            event: name,
                            answer,
                        },
                    )
                }
            };
            code = worse(code, event_code);
            rows.push(row);
        }
        if self.arguments.format == Format::Text {
            print(&format!("\n{}", table(&rows)))?;
        }
        Ok(code)
    }
}

/// The worse of two codes: without an answer, above all if that is not the fault of the input, is worse
/// than with one that is not complete.
fn worse(a: u8, b: u8) -> u8 {
    let badness = |code| match code {
        0 => 0,
        INCOMPLETE => 1,
        BAD_INPUT => 2,
        _ => 3,
    };
    if badness(b) > badness(a) { b } else { a }
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.event.chars().count()).max();
    let width = width.unwrap_or(0).max("Run and event".len());
    let mut table = format!(
        "{:<width$}  {:>7}  {:>7}  {:>10}  doubts\n",
        "Run and event", "RA", "Dec", "90 % deg2"
    );
    for Row { event, answer } in rows {
        table += &match answer {
            Ok(summary) => format!("{event:<width$}  {}\n", found(summary)),
            Err(BAD_INPUT) => format!("{event:<width$}  NOT SCANNED\n"),
            Err(_) => format!("{event:<width$}  FAILED\n"),
        };
    }
    table
}

fn found(summary: &Summary) -> String {
    let Some(best) = &summary.best_fit else {
        return "NO BEST FIT".to_owned();
    };
    let region = summary.regions.last();
    let size = region.map_or_else(String::new, |region| area(region.area_deg2));
    let doubts: Vec<&str> = summary.quality.iter().map(|doubt| doubt.name()).collect();
    let line = format!(
        "{:>7.2}  {:>+7.2}  {size:>10}  {}",
        best.ra_deg,
        best.dec_deg,
        doubts.join(", ")
    );
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::FAILED;

    #[test]
    fn the_worst_code_stays() {
        let of = |codes: &[u8]| codes.iter().fold(0, |worst, &code| worse(worst, code));
        assert_eq!(of(&[0, 0]), 0);
        assert_eq!(of(&[0, INCOMPLETE, 0]), INCOMPLETE);
        assert_eq!(of(&[BAD_INPUT, INCOMPLETE]), BAD_INPUT);
        assert_eq!(of(&[BAD_INPUT, FAILED, INCOMPLETE]), FAILED);
    }
}
