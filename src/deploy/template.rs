//! Templates: files as they will be, with `@WORDS@` in the places of what differs.

/// Fills in each word once over; what is filled in is not looked at again. A line that holds but a
/// word goes if there is nothing to fill in.
pub(super) fn fill(template: &str, words: &[(&str, String)]) -> String {
    template
        .split_inclusive('\n')
        .fold(String::new(), |page, line| {
            let filled = fill_line(line, words);
            let is_gone = filled.trim().is_empty() && !line.trim().is_empty();
            page + if is_gone { "" } else { &filled }
        })
}

fn fill_line(line: &str, words: &[(&str, String)]) -> String {
    let mut filled = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('@') {
        let word = words.iter().find_map(|(word, value)| {
            let behind = after.strip_prefix(word)?.strip_prefix('@')?;
            Some((value, behind))
        });
        filled += before;
        match word {
            Some((value, behind)) => {
                filled += value;
                rest = behind;
            }
            // An @ of the file's own.
            None => {
                filled.push('@');
                rest = after;
            }
        }
    }
    filled + rest
}

/// A word for the shell. Only NUL cannot be quoted; it was refused, and no path has it.
pub(crate) fn quoted(word: &str) -> String {
    shlex::try_quote(word).unwrap_or_default().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_in_once() {
        let words = [
            ("A", "@B@".to_owned()),
            ("B", "b".to_owned()),
            ("C", String::new()),
        ];
        let page = fill("x@A@, me@@B@\n\n@C@\n  @C@ y\n", &words);
        assert_eq!(page, "x@B@, me@b\n\n   y\n");
    }
}
