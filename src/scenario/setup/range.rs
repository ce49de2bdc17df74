//! What a number of a scenario may be. Errors name its key and what is allowed.

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

/// Refuses what is no share of a whole.
pub(super) fn share_of_one(key: &str, value: f64) -> Result<(), String> {
    match (0.0..=1.0).contains(&value) {
        true => Ok(()),
        false => Err(format!("{key} = {value} is not from 0 to 1")),
    }
}
