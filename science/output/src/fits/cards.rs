//! Header cards read back (FITS standard 4.0, section 4; HIERARCH keys too).

use std::collections::BTreeMap;
use std::io::Read;

use super::BLOCK;

const CARD: usize = 80;
/// Blocks of one header; LIGO's, with their history, have ten.
const MOST_BLOCKS: usize = 1000;

/// Values of a header by key.
#[derive(Debug, Default)]
pub(crate) struct Cards(BTreeMap<String, String>);

impl Cards {
    /// Reads a header to the block that ends it; none at the end of the file.
    pub(super) fn read(reader: &mut impl Read) -> Result<Option<Self>, String> {
        let mut cards = Self::default();
        for n in 0..MOST_BLOCKS {
            let mut block = Vec::with_capacity(BLOCK);
            let read = reader.take(BLOCK as u64).read_to_end(&mut block);
            read.map_err(|error| error.to_string())?;
            // What is no header ends the file: some are padded with anything.
            if n == 0 && !(block.starts_with(b"SIMPLE  =") || block.starts_with(b"XTENSION=")) {
                return Ok(None);
            }
            if block.len() < BLOCK {
                return Err("it ends in the middle of a header".to_owned());
            }
            for card in block.chunks_exact(CARD) {
                if card.starts_with(b"END     ") {
                    return Ok(Some(cards));
                }
                if let Some((key, value)) = split(card) {
                    cards.0.entry(key).or_insert(value);
                }
            }
        }
        Err(format!("its header has more than {MOST_BLOCKS} blocks"))
    }

    /// A text, without the blanks after it; empty if it is not there.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// A number of any kind.
    pub(crate) fn real(&self, key: &str) -> Option<f64> {
        let text = self.text(key).replace(['D', 'd'], "E");
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// A whole number that is not negative.
    pub(crate) fn integer(&self, key: &str) -> Option<u64> {
        self.text(key).parse().ok()
    }

    /// A whole number without which the file cannot be read.
    pub(super) fn needed(&self, key: &str) -> Result<u64, String> {
        self.integer(key)
            .ok_or_else(|| format!("its header has no whole number {key}"))
    }
}

/// Key and value of a card; none for comments and cards without a value.
fn split(card: &[u8]) -> Option<(String, String)> {
    // A header has nothing but ASCII (FITS 4.0, section 4.1.2.1); what else stands there is cut by no border.
    let plain = |byte: &u8| {
        if byte.is_ascii() {
            char::from(*byte)
        } else {
            '?'
        }
    };
    let text: String = card.iter().map(plain).collect();
    let (key, rest) = match text.strip_prefix("HIERARCH ") {
        Some(long) => long.split_once('=')?,
        None if card.get(8..10)? == b"= " => (&text[..8], &text[10..]),
        None => return None,
    };
    let rest = rest.trim_start();
    let value = match rest.strip_prefix('\'') {
        Some(quoted) => {
            let mut value = String::new();
            let mut chars = quoted.chars().peekable();
            while let Some(c) = chars.next() {
                if c == '\'' && chars.next_if_eq(&'\'').is_none() {
                    break;
                }
                value.push(c);
            }
            value.trim_end().to_owned()
        }
        None => rest.split('/').next().unwrap_or_default().trim().to_owned(),
    };
    Some((key.trim().to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_of_every_kind_are_read() {
        let mut block: Vec<u8> = [
            "SIMPLE  =                    T / conforms",
            "NSIDE   =                  512 / resolution",
            "RA      =               1.5D-1",
            "HIERARCH RA_ERR_PLUS_50 = 0.25 / deg",
            "OBJECT  = 'it''s / a'          / name",
            "COMMENT = no value",
            "NSIDE   =                    7",
            "END",
        ]
        .iter()
        .flat_map(|card| format!("{card:<80}").into_bytes())
        .collect();
        block.resize(BLOCK, b' ');
        let cards = Cards::read(&mut block.as_slice()).unwrap().unwrap();
        assert_eq!(cards.integer("NSIDE"), Some(512));
        assert_eq!(cards.real("RA"), Some(0.15));
        assert_eq!(cards.real("RA_ERR_PLUS_50"), Some(0.25));
        assert_eq!(cards.text("OBJECT"), "it's / a");
        assert_eq!(cards.text("MISSING"), "");
        assert!(cards.needed("OBJECT").is_err());
        assert!(Cards::read(&mut &block[..100]).is_err());
        // A byte that is no ASCII, at the border of a key.
        block[CARD + 7] = 0xc1;
        let cards = Cards::read(&mut block.as_slice()).unwrap().unwrap();
        assert_eq!(cards.text("NSIDE  ?"), "512");
        assert_eq!(cards.integer("NSIDE"), Some(7));
        assert!(Cards::read(&mut &b""[..]).unwrap().is_none());
    }
}
