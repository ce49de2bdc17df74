//! What a number of a scenario may be. Errors name its key and what is allowed.

/// Longest time of anything that a run waits for, in seconds: a day. Virtual time passes beat by beat, so that what
/// waits longer runs for ever.
pub(super) const LONGEST_S: f64 = 86_400.0;
/// Longest time that a message may take, or a machine for it, in seconds.
pub(super) const LONGEST_WAY_S: f64 = 60.0;
/// Slowest connection, in 1e9 bit/s: a thousand bits a second.
const SLOWEST_GBPS: f64 = 1e-6;

/// Refuses 0; what is absent is fine.
pub(super) fn at_least_one(key: &str, value: Option<usize>) -> Result<(), String> {
    match value {
        Some(0) => Err(format!("{key} = 0 is not at least 1")),
        _ => Ok(()),
    }
}

/// Refuses what is not a number above 0; what is absent is fine.
pub(super) fn positive(key: &str, value: Option<f64>) -> Result<(), String> {
    match value {
        Some(value) if !(value > 0.0 && value.is_finite()) => {
            Err(format!("{key} = {value} is not above 0"))
        }
        _ => Ok(()),
    }
}

/// Refuses what is not a number of at least 0.
pub(super) fn not_negative(key: &str, value: f64) -> Result<(), String> {
    match value >= 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(format!("{key} = {value} is not at least 0")),
    }
}

/// Refuses what is not a number from 0 to `most`.
pub(super) fn up_to(most: f64, key: &str, value: f64) -> Result<(), String> {
    match (0.0..=most).contains(&value) {
        true => Ok(()),
        false => Err(format!("{key} = {value} is not from 0 to {most}")),
    }
}

/// Refuses what is not a number above 0 and at most `most`; what is absent is fine.
pub(super) fn positive_up_to(most: f64, key: &str, value: Option<f64>) -> Result<(), String> {
    match value {
        Some(value) if !(value > 0.0 && value <= most) => {
            Err(format!("{key} = {value} is not above 0 and at most {most}"))
        }
        _ => Ok(()),
    }
}

/// Refuses what is no rate of a connection, in 1e9 bit/s; what is absent is fine.
pub(super) fn bandwidth(key: &str, gbps: Option<f64>) -> Result<(), String> {
    match gbps {
        Some(gbps) if !(gbps >= SLOWEST_GBPS && gbps.is_finite()) => {
            Err(format!("{key} = {gbps} is not at least {SLOWEST_GBPS}"))
        }
        _ => Ok(()),
    }
}

/// Refuses what is no share of a whole.
pub(super) fn share_of_one(key: &str, value: f64) -> Result<(), String> {
    match (0.0..=1.0).contains(&value) {
        true => Ok(()),
        false => Err(format!("{key} = {value} is not from 0 to 1")),
    }
}
