//! Lines that are too long for a terminal go on in the next one.

use std::fmt::{self, Display, Formatter};

/// Columns of a terminal that nobody has made wider, and of text for files and pipes.
pub(crate) const WIDTH: usize = 80;
/// Where the text of a labelled line begins.
const INDENT: usize = 10;
const WARNING: &str = "WARNING: ";

/// What is written, in lines of so many columns.
pub(crate) fn written(write: impl Fn(&mut Formatter<'_>) -> fmt::Result, width: usize) -> String {
    struct Unfolded<W>(W);

    impl<W: Fn(&mut Formatter<'_>) -> fmt::Result> Display for Unfolded<W> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            (self.0)(f)
        }
    }

    folded(&Unfolded(write).to_string(), width)
}

/// Breaks lines at spaces, and indents what goes on. A word that is too long stays whole, so that it can
/// be copied.
fn folded(text: &str, width: usize) -> String {
    let mut folded = String::with_capacity(text.len() + width);
    for line in text.lines() {
        let indent = match line.starts_with(WARNING) {
            true => WARNING.len(),
            false => INDENT,
        };
        let (mut rest, mut room) = (line, width);
        while let Some(at) = break_at(rest, room) {
            folded.push_str(rest[..at].trim_end());
            folded.push('\n');
            folded.push_str(&" ".repeat(indent));
            rest = rest[at..].trim_start();
            room = width.saturating_sub(indent).max(1);
        }
        folded.push_str(rest);
        folded.push('\n');
    }
    folded
}

/// The space where a line that is longer than `room` is broken: the last one that fits, or else the first.
fn break_at(line: &str, room: usize) -> Option<usize> {
    let (end, behind) = line.char_indices().nth(room)?;
    let begun = line.len() - line.trim_start().len();
    if behind == ' ' {
        return Some(end);
    }
    let text = &line[begun..];
    let fits = line.get(begun..end).and_then(|fits| fits.rfind(' '));
    Some(begun + fits.or_else(|| text.find(' '))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_go_on_below_their_text_and_lose_no_word() {
        let long = format!("  DOUBT   {}", "one word after another ".repeat(9));
        let text = folded(&long, WIDTH);
        assert!(text.lines().count() > 2);
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.starts_with("          one")
                    || line.starts_with("          word")
                    || line.starts_with("          a")),
            "{text}"
        );
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&text), words(&long));
    }

    #[test]
    fn what_fits_or_cannot_be_broken_stays() {
        for line in [
            "",
            "a",
            &"x".repeat(200),
            &format!("{} b", "a".repeat(78)),
            "  indented",
        ] {
            assert_eq!(folded(line, WIDTH).trim_end_matches('\n'), line);
        }
        let path = "/a".repeat(100);
        assert_eq!(
            folded(&format!("  FAILED  {path}: no"), WIDTH),
            format!("  FAILED\n          {path}:\n          no\n")
        );
        let umlauts = "ä".repeat(79);
        assert_eq!(
            folded(&format!("{umlauts} ö ö"), WIDTH),
            format!("{umlauts}\n          ö ö\n")
        );
    }
}
