//! Names that come from files and go to terminals, plots and other files.

/// Characters of the name of a stream, a series, a guess or a detector; longer ones are cut.
pub const LONGEST_NAME: usize = 100;

/// The text without what moves a terminal's cursor, changes its colours or turns its writing around:
/// each such character is replaced. At most `longest` characters are kept.
pub fn clean(text: &str, longest: usize) -> String {
    let shown = |c: char| if is_harmful(c) { '\u{fffd}' } else { c };
    text.chars().take(longest).map(shown).collect()
}

/// Control characters, line and paragraph separators, and marks of the direction of writing.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn letters_of_any_language_stay_and_escapes_go() {
        assert_eq!(clean("GÖLD 金 α", 100), "GÖLD 金 α");
        assert_eq!(
            clean("a\u{1b}[31m\u{7}\u{9b}", 100),
            "a\u{fffd}[31m\u{fffd}\u{fffd}"
        );
        assert_eq!(clean("a\u{202e}b\nc", 100), "a\u{fffd}b\u{fffd}c");
        assert_eq!(clean("abc", 2), "ab");
    }
}
