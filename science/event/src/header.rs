//! Event headers: which event it is and when it began.

use super::archive::{Archive, Class};
use super::frame::Frame;
use super::read_error::{Cause, Fault};

const HEADER_KEY: &str = "I3EventHeader";
/// Name of a readout's own header, whose start pulse times are counted from.
const READOUT_HEADER_KEYS: [&str; 2] = ["QI3EventHeader", HEADER_KEY];

const DAQ_TICKS_PER_SECOND: i64 = 10_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Years in which a leap second was added at the end of June while the detector ran. One at the
/// end of a year shifts nothing, because ticks are counted anew from every 1 January.
const YEARS_WITH_A_LEAP_SECOND_IN_JUNE: [i32; 2] = [2012, 2015];

/// What a header says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) run_id: u32,
    pub(super) event_id: u32,
    pub(super) subevent_id: u32,
    pub(super) subevent_stream: String,
    /// Start, UTC as a modified Julian date.
    pub(super) mjd: f64,
    /// Run and event number of the readout, if they are others.
    pub(super) readout: Option<(u32, u32)>,
}

/// The header of a physics frame; its `readout` tells if the readout before it has other numbers, as in
/// simulations whose physics frames were numbered anew.
pub(super) fn of_physics(frame: &Frame, readout: Option<&Frame>) -> Result<Header, Fault> {
    let blob = frame.get(HEADER_KEY).or_else(|| readout?.get(HEADER_KEY));
    let mut header = blob
        .ok_or(Cause::malformed("is not in the frame"))
        .and_then(decode)
        .map_err(|cause| cause.at_key(HEADER_KEY).in_frame(frame.place))?;
    if let Some(readout) = readout
        && let Some((key, blob)) = READOUT_HEADER_KEYS
            .iter()
            .find_map(|key| Some((key, readout.get(key)?)))
    {
        let first = decode(blob).map_err(|cause| cause.at_key(key).in_frame(readout.place))?;
        if (first.run_id, first.event_id) != (header.run_id, header.event_id) {
            header.readout = Some((first.run_id, first.event_id));
        }
    }
    Ok(header)
}

fn decode(blob: &[u8]) -> Result<Header, Cause> {
    let (mut archive, version) = Archive::open(blob, "I3EventHeader")?;
    if version > 3 {
        return Err(Cause::ClassVersion {
            class: "I3EventHeader",
            version,
        });
    }
    archive.frame_object()?;
    let run_id = archive.u32()?;
    if version > 0 {
        let _subrun = archive.u32()?;
    }
    let event_id = archive.u32()?;
    if version > 1 {
        let _state = archive.i32()?;
    }
    let (subevent_id, subevent_stream) = match version {
        3 => (archive.u32()?, archive.string()?),
        _ => (0, ""),
    };
    if !subevent_stream.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Cause::malformed(
            "has a sub-event stream that is not printable",
        ));
    }
    let mjd = time(&mut archive)?;
    let _end = time(&mut archive)?;
    archive.finish()?;
    Ok(Header {
        run_id,
        event_id,
        subevent_id,
        subevent_stream: subevent_stream.to_owned(),
        mjd,
        readout: None,
    })
}

fn time(archive: &mut Archive<'_>) -> Result<f64, Cause> {
    archive.enter(Class::Time)?;
    archive.frame_object()?;
    let year = archive.i32()?;
    let ticks = archive.i64()?;
    modified_julian_date(year, ticks)
        .ok_or_else(|| Cause::malformed(format!("has the time {ticks} in the year {year}")))
}

/// Ticks of a tenth of a nanosecond since 1 January, leap seconds counted, to UTC.
fn modified_julian_date(year: i32, ticks: i64) -> Option<f64> {
    const YEARS: std::ops::RangeInclusive<i32> = 1990..=2199;
    const LONGEST_YEAR: i64 = 367 * SECONDS_PER_DAY * DAQ_TICKS_PER_SECOND;
    if !YEARS.contains(&year) || !(0..LONGEST_YEAR).contains(&ticks) {
        return None;
    }
    let before = i64::from(year) - 1;
    // Days from 17 November 1858 to 1 January, Gregorian.
    let first_day = 365 * before + before / 4 - before / 100 + before / 400 - 678_575;
    let leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let july = (181 + i64::from(leap_year)) * SECONDS_PER_DAY * DAQ_TICKS_PER_SECOND;
    let leap = i64::from(YEARS_WITH_A_LEAP_SECOND_IN_JUNE.contains(&year) && ticks >= july);
    let ticks = ticks - leap * DAQ_TICKS_PER_SECOND;
    let ticks_per_day = SECONDS_PER_DAY * DAQ_TICKS_PER_SECOND;
    // Whole days first: the rest keeps its precision.
    let day = (first_day + ticks / ticks_per_day) as f64;
    Some(day + (ticks % ticks_per_day) as f64 / ticks_per_day as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = SECONDS_PER_DAY * DAQ_TICKS_PER_SECOND;

    #[test]
    fn counts_days_from_the_start_of_the_year() {
        assert_eq!(modified_julian_date(2000, DAY / 2), Some(51_544.5));
        assert_eq!(modified_julian_date(2023, 0), Some(59_945.0));
        assert_eq!(modified_julian_date(2024, 365 * DAY), Some(60_675.0));
    }

    #[test]
    fn takes_the_leap_second_of_june_out_again() {
        let second = DAQ_TICKS_PER_SECOND;
        assert_eq!(
            modified_julian_date(2015, 181 * DAY + second),
            Some(57_204.0)
        );
        assert_eq!(modified_julian_date(2014, 181 * DAY), Some(56_839.0));
    }

    #[test]
    fn refuses_times_outside_any_year() {
        assert_eq!(modified_julian_date(2023, -1), None);
        assert_eq!(modified_julian_date(2023, 368 * DAY), None);
        assert_eq!(modified_julian_date(i32::MIN, 0), None);
    }
}
