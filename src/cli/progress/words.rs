//! The words of bars and lines.

use std::time::Duration;

use super::Interim;
use super::pace::Left;
use crate::actors::progress::{Progress, RoundProgress};
use crate::output::summary::{area, percent};
use crate::sky::Equatorial;
use crate::sky::region::Region;

/// `nside 8: 192 of 768 pixels`.
pub(super) fn counts(round: &RoundProgress) -> String {
    let RoundProgress {
        name,
        n_done,
        n_planned,
    } = round;
    let what = match name.is_systematic {
        false => format!("nside {}", name.nside),
        true => format!("systematics at nside {}", name.nside),
    };
    format!("{what}: {n_done} of {n_planned} pixels")
}

/// Pixels per second since the round began, with a decimal where they are few.
pub(super) fn rate(n_done: u64, elapsed: Duration) -> String {
    match n_done as f64 / elapsed.as_secs_f64().max(1e-3) {
        many if many >= 10.0 => format!("{many:.0} pixels/s"),
        few => format!("{few:.1} pixels/s"),
    }
}

/// `8 to 12 s left`, or `10 s left` while that is a guess; of this round, which may still grow.
pub(in crate::cli) fn left(left: Option<Left>) -> String {
    match left {
        None => "? left".to_owned(),
        Some(Left {
            between: Some((from, to)),
            ..
        }) if format!("{from:.0}") != format!("{to:.0}") => {
            if to < 120.0 {
                format!("{from:.0} to {to:.0} s left")
            } else {
                format!("{:.0} to {:.0} min left", from / 60.0, to / 60.0)
            }
        }
        Some(Left { seconds, .. }) if seconds < 120.0 => format!("{seconds:.0} s left"),
        Some(Left { seconds, .. }) => format!("{:.0} min left", seconds / 60.0),
    }
}

/// Who works, and how long the tail is.
pub(super) fn who(progress: &Progress) -> String {
    let mut text = match progress.n_slots {
        0 => "waiting for workers".to_owned(),
        1 => "1 slot".to_owned(),
        n => format!("{n} slots"),
    };
    if progress.n_waiting == 0 && progress.n_out > 0 {
        text += &match progress.n_out {
            1 => ", last task".to_owned(),
            n => format!(", last {n} tasks"),
        };
    }
    text
}

/// The best direction of the complete waves.
pub(super) fn best(direction: Equatorial) -> String {
    let (ra, dec) = (
        direction.ra_rad.to_degrees(),
        direction.dec_rad.to_degrees(),
    );
    format!("best so far RA {ra:.2} Dec {dec:+.2}")
}

/// `50 % 0.41 deg²` and `90 % 1.9 deg²`.
pub(super) fn sizes(interim: &Interim) -> Vec<String> {
    let size = |region: &Region| {
        let share = percent(region.containment);
        let open = if region.is_closed() { "" } else { " (open)" };
        format!("{share} % {} deg²{open}", area(region.area_deg2))
    };
    interim.regions.iter().map(size).collect()
}

/// That the contour stands still.
pub(super) fn stable(interim: &Interim) -> String {
    let sizes = sizes(interim).join(", ");
    format!("contour stable at nside {}: {sizes}", interim.nside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_keep_a_digit_that_says_something() {
        assert_eq!(rate(768, Duration::from_secs(2)), "384 pixels/s");
        assert_eq!(rate(3, Duration::from_secs(2)), "1.5 pixels/s");
        assert_eq!(rate(0, Duration::ZERO), "0.0 pixels/s");
    }

    #[test]
    fn the_time_left_is_a_range_where_there_is_one() {
        let told = |seconds, between| left(Some(Left { seconds, between }));
        assert_eq!(told(10.0, Some((8.2, 12.1))), "8 to 12 s left");
        assert_eq!(told(10.0, Some((9.9, 10.1))), "10 s left");
        assert_eq!(told(600.0, Some((480.0, 900.0))), "8 to 15 min left");
        assert_eq!(told(600.0, None), "10 min left");
        assert_eq!(left(None), "? left");
    }
}
