//! Numbers on the command line.

use std::str::FromStr;

/// A number of things of which there has to be one.
pub(super) fn from_one<T: FromStr>(text: &str) -> Result<T, String> {
    let number = text.parse();
    number.map_err(|_| "write a whole number, 1 or more, that is not too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU16;

    #[test]
    fn none_is_no_number_of_things() {
        assert_eq!(from_one("3"), Ok(NonZeroU16::MIN.saturating_add(2)));
        for wrong in ["0", "-1", "1.5", "70000", ""] {
            assert!(from_one::<NonZeroU16>(wrong).is_err(), "{wrong}");
        }
    }
}
