//! Header cards: 80 characters each.

use std::io::{self, Write};

use super::pad;

const CARD: usize = 80;

/// Keys longer than this need the HIERARCH convention.
const LONGEST_KEY: usize = 8;

/// Cards of a header, without its END.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header {
    cards: Vec<String>,
}

impl Header {
    pub(crate) fn flag(&mut self, key: &str, value: bool, comment: &str) {
        self.card(key, if value { "T" } else { "F" }, comment);
    }

    pub(crate) fn integer(&mut self, key: &str, value: u64, comment: &str) {
        self.card(key, &value.to_string(), comment);
    }

    /// Numbers that are not finite have no place in a header: they are left out.
    pub(crate) fn real(&mut self, key: &str, value: f64, comment: &str) {
        if value.is_finite() {
            self.card(key, &format!("{value:?}").to_uppercase(), comment);
        }
    }

    /// A text that does not fit into one card is cut.
    pub(crate) fn text(&mut self, key: &str, value: &str, comment: &str) {
        let room = CARD - prefix(key).len() - 2;
        let mut quoted = String::new();
        for c in printable(value).chars() {
            let doubled = if c == '\'' { "''" } else { &c.to_string() };
            if quoted.len() + doubled.len() > room {
                break;
            }
            quoted += doubled;
        }
        self.card(key, &format!("'{quoted:<8}'"), comment);
    }

    /// A sentence, over as many cards as it takes.
    pub(crate) fn comment(&mut self, sentence: &str) {
        let mut line = String::new();
        for word in printable(sentence).split_whitespace() {
            if !line.is_empty() && line.len() + 1 + word.len() > CARD - LONGEST_KEY - 1 {
                self.cards.push(format!("COMMENT {line}"));
                line.clear();
            }
            line += if line.is_empty() { "" } else { " " };
            line += word;
        }
        self.cards.push(format!("COMMENT {line}"));
    }

    pub(super) fn append(&mut self, more: &Header) {
        self.cards.extend_from_slice(&more.cards);
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for card in self.cards.iter().map(String::as_str).chain(["END"]) {
            write!(out, "{card:<80.80}")?;
        }
        pad(out, CARD * (self.cards.len() + 1), b' ')
    }

    fn card(&mut self, key: &str, value: &str, comment: &str) {
        let mut card = prefix(key);
        // Numbers and flags end in column 30.
        if key.len() <= LONGEST_KEY && !value.starts_with('\'') {
            card += &format!("{value:>20}");
        } else {
            card += value;
        }
        if !comment.is_empty() {
            card += &format!(" / {comment}");
        }
        self.cards.push(card);
    }
}

fn prefix(key: &str) -> String {
    if key.len() <= LONGEST_KEY {
        format!("{key:<8}= ")
    } else {
        format!("HIERARCH {key} = ")
    }
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if (' '..='~').contains(&c) { c } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(header: &Header) -> Vec<String> {
        let mut bytes = Vec::new();
        header.write(&mut bytes).unwrap();
        assert_eq!(bytes.len() % 2880, 0);
        let text = String::from_utf8(bytes).unwrap();
        let cards = text.as_bytes().chunks(CARD);
        cards
            .map(|card| {
                String::from_utf8(card.to_vec())
                    .unwrap()
                    .trim_end()
                    .to_owned()
            })
            .filter(|card| !card.is_empty())
            .collect()
    }

    #[test]
    fn cards_are_those_of_the_standard() {
        let mut header = Header::default();
        header.flag("SIMPLE", true, "");
        header.integer("NSIDE", 512, "resolution");
        header.real("RA", 1e-7, "");
        header.real("DEC", f64::NAN, "");
        header.real("RA_ERR_PLUS_50", 0.25, "");
        header.text("OBJECT", "it's", "");
        let cards = written(&header);
        let expected = [
            "SIMPLE  =                    T",
            "NSIDE   =                  512 / resolution",
            "RA      =                 1E-7",
            "HIERARCH RA_ERR_PLUS_50 = 0.25",
            "OBJECT  = 'it''s   '",
            "END",
        ];
        assert_eq!(cards, expected);
    }

    #[test]
    fn long_and_strange_texts_stay_within_their_cards() {
        let mut header = Header::default();
        header.text("RECO", &"'ä".repeat(100), "");
        header.comment(&"seventeen letters ".repeat(20));
        let cards = written(&header);
        assert!(
            cards
                .iter()
                .all(|card| card.len() <= CARD && card.is_ascii())
        );
        assert!(cards[0].ends_with('\'') && cards[0].matches('\'').count().is_multiple_of(2));
        let words: usize = cards.iter().map(|c| c.matches("letters").count()).sum();
        assert_eq!(words, 20);
    }
}
