//! Scans of a service, a line each.

use skyscan_service::scan::Scan;

use crate::output::summary::area;

/// The lines, with a heading.
pub(super) fn of(scans: &[Scan]) -> String {
    let width = scans.iter().map(|scan| scan.id.0.chars().count()).max();
    let width = width.unwrap_or(0).max("Scan".len());
    let mut table = format!(
        "{:<width$}  {:<10}  {:<10}  {:>7}  {:>7}  {:>10}  doubts\n",
        "Scan", "state", "priority", "RA", "Dec", "90 % deg2"
    );
    for scan in scans {
        let (ra, dec) = match scan.best {
            Some(best) => (
                format!("{:.2}", best.ra_deg),
                format!("{:+.2}", best.dec_deg),
            ),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let size = scan.area_deg2.map_or_else(|| "-".to_owned(), area);
        let last = match &scan.error {
            Some(error) => error.clone(),
            None => scan.quality.join(", "),
        };
        let priority = scan.priority.word();
        let line = format!(
            "{:<width$}  {:<10}  {priority:<10}  {ra:>7}  {dec:>7}  {size:>10}  {last}",
            scan.id.0,
            scan.state.word(),
        );
        table += &shown(line.trim_end());
        table.push('\n');
    }
    table
}

/// Without what moves a terminal's cursor: names and words are what a service says.
fn shown(line: &str) -> String {
    let shown = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    line.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_a_service_says_moves_no_cursor() {
        assert_eq!(shown("a\u{1b}[31m b\u{e9}"), "a\\u{1b}[31m b\u{e9}");
    }
}
