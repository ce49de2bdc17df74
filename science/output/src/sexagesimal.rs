//! Angles and times as people read them: hours, minutes, seconds and calendar dates.

/// Right ascension as `14h 56m 28.8s`; `ra_deg` may lie outside 0 to 360.
pub(super) fn hours(ra_deg: f64) -> String {
    // Rounded once, as a whole number of tenths, so that 59.96 s carries instead of printing 60.0 s.
    let tenths = (ra_deg.rem_euclid(360.0) / 15.0 * 36000.0).round() as u64 % 864_000;
    let (hours, minutes) = (tenths / 36_000, tenths / 600 % 60);
    let (seconds, tenth) = (tenths / 10 % 60, tenths % 10);
    format!("{hours:02}h {minutes:02}m {seconds:02}.{tenth}s")
}

/// Declination as `+41d 18m 36s`.
pub(super) fn degrees(dec_deg: f64) -> String {
    let seconds = (dec_deg.abs() * 3600.0).round() as u64;
    let sign = if dec_deg < 0.0 && seconds > 0 {
        '-'
    } else {
        '+'
    };
    format!(
        "{sign}{:02}d {:02}m {:02}s",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Right ascension in degrees with two digits, 0.00 to 359.99.
pub(super) fn ra_degrees(ra_deg: f64) -> String {
    let hundredths = (ra_deg.rem_euclid(360.0) * 100.0).round() as u64 % 36_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// UTC of a modified Julian date as `2022-06-24 16:13:16`, to the second below; `None` outside
/// the years 1858 to 9999.
pub(super) fn utc(mjd: f64) -> Option<String> {
    const LAST_DAY: f64 = 2_973_483.0;
    if !(0.0..LAST_DAY + 1.0).contains(&mjd) {
        return None;
    }
    // A tenth of a millisecond absorbs what a double loses of a date near 60000.
    let seconds = (mjd * 86_400.0 + 1e-4).floor() as u64;
    let (day, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, date) = calendar(day);
    Some(format!(
        "{year:04}-{month:02}-{date:02} {:02}:{:02}:{:02}",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    ))
}

/// UTC of a modified Julian date as ISO 8601 to the millisecond, `2022-06-24T16:13:16.405`; `None`
/// outside the years 1858 to 9999.
pub(super) fn iso(mjd: f64) -> Option<String> {
    let thousandths = (mjd * 86_400_000.0).round();
    let seconds = (thousandths / 1000.0).floor();
    let date = utc(seconds / 86_400.0)?.replace(' ', "T");
    Some(format!("{date}.{:03}", thousandths - 1000.0 * seconds))
}

/// Gregorian date of a day counted from 1858-11-17 (MJD 0).
fn calendar(mjd_day: u64) -> (u64, u64, u64) {
    // Years that begin on 1 March put the leap day last, where it disturbs nothing; day 0 of
    // this count is 1 March of the year 0, 678881 days before MJD 0.
    let day = mjd_day + 678_881;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_carry_instead_of_reaching_sixty() {
        assert_eq!(hours(224.12), "14h 56m 28.8s");
        assert_eq!(hours(15.0 - 1e-6), "01h 00m 00.0s");
        assert_eq!(hours(360.0 - 1e-7), "00h 00m 00.0s");
        assert_eq!(hours(-15.0), "23h 00m 00.0s");
        assert_eq!(degrees(41.31), "+41d 18m 36s");
        assert_eq!(degrees(-0.9999), "-01d 00m 00s");
        assert_eq!(degrees(-0.00001), "+00d 00m 00s");
    }

    #[test]
    fn right_ascension_never_prints_360() {
        assert_eq!(ra_degrees(359.999), "0.00");
        assert_eq!(ra_degrees(224.116), "224.12");
        assert_eq!(ra_degrees(0.05), "0.05");
    }

    #[test]
    fn modified_julian_dates_become_calendar_dates() {
        assert_eq!(utc(0.0).as_deref(), Some("1858-11-17 00:00:00"));
        assert_eq!(utc(51_544.5).as_deref(), Some("2000-01-01 12:00:00"));
        assert_eq!(utc(51_603.0).as_deref(), Some("2000-02-29 00:00:00"));
        assert_eq!(
            utc(59_754.675_884_320_13).as_deref(),
            Some("2022-06-24 16:13:16")
        );
        assert_eq!(utc(2_973_483.0).as_deref(), Some("9999-12-31 00:00:00"));
        for mjd in [f64::NAN, f64::INFINITY, -1.0, 2_973_484.0] {
            assert_eq!(utc(mjd), None);
        }
    }
}
