//! Lines of programs: bounded, and quoted for the log.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use parking_lot::Mutex;

/// Characters of what is quoted.
const MOST_QUOTED: usize = 120;
/// Longer lines of a program's own words are cut.
const MOST_WORDS_BYTES: usize = 4096;

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// All of it.
    Whole(Vec<u8>),
    /// The beginning of one that is longer than it may be.
    TooLong(Vec<u8>),
}

/// Reads to the end of a line, and keeps no more of it than so many bytes. None at the end of the stream.
pub(crate) fn next_line(stream: &mut impl BufRead, most: usize) -> std::io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut is_too_long = false;
    let mut has_begun = false;
    loop {
        let there = match stream.fill_buf() {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            there => there?,
        };
        if there.is_empty() && !has_begun {
            return Ok(None);
        }
        has_begun = true;
        let end = there.iter().position(|byte| *byte == b'\n');
        let part = &there[..end.unwrap_or(there.len())];
        let room = most - line.len();
        is_too_long |= part.len() > room;
        line.extend_from_slice(&part[..part.len().min(room)]);
        let is_over = end.is_some() || there.is_empty();
        let n_read = part.len() + usize::from(end.is_some());
        stream.consume(n_read);
        match (is_over, is_too_long) {
            (false, _) => {}
            (true, false) => return Ok(Some(Line::Whole(line))),
            (true, true) => return Ok(Some(Line::TooLong(line))),
        }
    }
}

/// The beginning of a text, with whatever a terminal or a log might take amiss written as an escape.
pub(crate) fn quoted(text: &[u8]) -> String {
    // No character takes more than four bytes.
    let beginning = &text[..text.len().min(4 * MOST_QUOTED + 4)];
    let beginning = String::from_utf8_lossy(beginning);
    let mut characters = beginning.chars();
    let shown: String = characters.by_ref().take(MOST_QUOTED).collect();
    let more = if characters.next().is_some() {
        "..."
    } else {
        ""
    };
    format!("\"{}\"{more}", shown.escape_debug())
}

/// The last line that a program said.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastLine(Arc<Mutex<String>>);

impl LastLine {
    /// It, quoted, if there is one.
    pub(crate) fn quoted(&self) -> Option<String> {
        let line = self.0.lock();
        (!line.is_empty()).then(|| quoted(line.as_bytes()))
    }
}

/// Hands what a program says to the log, line by line, until it says no more.
pub(crate) fn to_log(stream: impl Read, who: &str, last: &LastLine) {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(Line::Whole(line) | Line::TooLong(line))) =
        next_line(&mut stream, MOST_WORDS_BYTES)
    {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if !text.is_empty() {
            tracing::info!(program = who, "{}", text.escape_debug());
            text.clone_into(&mut last.0.lock());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], most: usize) -> Vec<Line> {
        // A small buffer, so that lines come in parts.
        let mut stream = BufReader::with_capacity(3, text);
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut stream, most).unwrap() {
            lines.push(line);
        }
        lines
    }

    #[test]
    fn lines_are_cut_where_they_are_too_long() {
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        assert_eq!(lines(b"", 8), []);
        assert_eq!(
            lines(b"one\n\ntwo", 8),
            [whole("one"), whole(""), whole("two")]
        );
        assert_eq!(lines(b"12345678\nx\n", 8), [whole("12345678"), whole("x")]);
        let cut = Line::TooLong(b"12345678".to_vec());
        assert_eq!(lines(b"123456789 and more\nx\n", 8), [cut, whole("x")]);
    }

    #[test]
    fn what_is_quoted_cannot_write_to_the_terminal() {
        assert_eq!(quoted(b"a\x1b[2J\xff"), "\"a\\u{1b}[2J\u{fffd}\"");
        let long = "\u{1f52d}".repeat(200);
        assert_eq!(
            quoted(long.as_bytes()),
            format!("\"{}\"...", "\u{1f52d}".repeat(120))
        );
    }
}
