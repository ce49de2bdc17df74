//! Times on the command line: `90s`, `10m`, `1h`, also one behind the other.

use std::time::Duration;

/// A time that an option names.
pub(in crate::cli) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time such as 90s, 10m, 1h or 1h30m".to_owned();
    let (mut seconds, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.');
        let (number, unit_on) = rest.split_at(end.ok_or_else(wrong)?);
        let unit = match unit_on.as_bytes()[0] {
            b's' => 1.0,
            b'm' => 60.0,
            b'h' => 3600.0,
            _ => return Err(wrong()),
        };
        seconds += unit * number.parse::<f64>().map_err(|_| wrong())?;
        rest = &unit_on[1..];
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_units() {
        let seconds = |text| parse(text).map(|time| time.as_secs_f64());
        assert_eq!(seconds("90s"), Ok(90.0));
        assert_eq!(seconds("10m"), Ok(600.0));
        assert_eq!(seconds("1h30m"), Ok(5400.0));
        assert_eq!(seconds("0.5s"), Ok(0.5));
        for wrong in ["", "10", "m", "1d", "-1s", "0s", "1..2s", "1e9h", "10µs"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
