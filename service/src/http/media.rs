//! What a file is, by its ending, and whether a browser may show it.

/// A media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MediaType {
    pub(super) name: &'static str,
    /// Whether a browser can show it without executing anything.
    is_harmless: bool,
}

impl MediaType {
    pub(super) const JSON: Self = Self::harmless("application/json");

    const fn harmless(name: &'static str) -> Self {
        let is_harmless = true;
        Self { name, is_harmless }
    }

    const fn to_be_kept(name: &'static str) -> Self {
        let is_harmless = false;
        Self { name, is_harmless }
    }

    /// Whether it is shown or kept, and under which name.
    pub(super) fn disposition(self, file: Option<&str>) -> String {
        let word = match self.is_harmless {
            true => "inline",
            false => "attachment",
        };
        let Some(file) = file else {
            return word.to_owned();
        };
        // RFC 6266: names of others than these letters would need words of their own.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
        let plain = |c: char| if is_plain(c) { c } else { '_' };
        let file: String = file.chars().map(plain).collect();
        format!("{word}; filename=\"{file}\"")
    }
}

/// The media type of a file of this name. What is not known is kept, not shown.
pub(super) fn of_file(name: &str) -> MediaType {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending.to_ascii_lowercase().as_str() {
        "json" => MediaType::JSON,
        "png" => MediaType::harmless("image/png"),
        "txt" | "log" | "md" => MediaType::harmless("text/plain; charset=utf-8"),
        "csv" => MediaType::harmless("text/csv; charset=utf-8"),
        "fits" | "fit" => MediaType::to_be_kept("application/fits"),
        // Both can hold scripts.
        "svg" => MediaType::to_be_kept("image/svg+xml"),
        "html" | "htm" => MediaType::to_be_kept("text/html; charset=utf-8"),
        "sqlite" => MediaType::to_be_kept("application/vnd.sqlite3"),
        _ => MediaType::to_be_kept("application/octet-stream"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_could_execute_is_kept() {
        for name in [
            "a.svg",
            "a.html",
            "a.HTM",
            "a.xml",
            "a.js",
            "event.dat",
            "a",
            "a.fits",
        ] {
            let disposition = of_file(name).disposition(Some(name));
            assert!(disposition.starts_with("attachment;"), "{name}");
        }
        for name in ["a.json", "a.png", "a.txt", "a.csv"] {
            let disposition = of_file(name).disposition(Some(name));
            assert!(disposition.starts_with("inline;"), "{name}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        let disposition = of_file("a").disposition(Some("a\"; b=<c>\u{e9}.png"));
        assert_eq!(disposition, "attachment; filename=\"a___b__c__.png\"");
    }
}
