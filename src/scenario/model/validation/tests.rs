use super::*;
use crate::scenario::results::fixture::{interval, point, report};

/// Busy shares at four sizes, throughput along with them; all ends at the same time.
fn shares(shares: [f64; 4]) -> Report {
    let point = |(workers, share)| {
        let mut point = point("busy", workers, share);
        point.mean.t99_s = interval(110.0);
        point
    };
    report(
        [1000, 2000, 5000, 10_000]
            .into_iter()
            .zip(shares)
            .map(point)
            .collect(),
    )
}

#[test]
fn a_model_holds_if_it_is_right_and_a_wrong_one_is_not() {
    let measured = shares([0.99, 0.98, 0.4, 0.2]);
    let good = shares([0.99, 0.97, 0.41, 0.205]);
    let wrong = shares([0.99, 0.97, 0.33, 0.16]);
    let validation = validate(&measured, &good, &wrong);
    assert!(validation.holds);
    assert_eq!((validation.within, validation.control_within), (1.0, 0.5));
    let quantity = &validation.points[2].quantities[1];
    assert_eq!(quantity.name, "utilisation");
    assert!((quantity.error - 0.025).abs() < 1e-9);
    // 1 % of what was measured and 1 % of what was predicted.
    let half = quantity.error_half_width_95.unwrap();
    assert!((half - 0.01f64.hypot(0.01 * 1.025)).abs() < 1e-9);
    assert!((quantity.control_error + 0.175).abs() < 1e-9);
    assert!(!validate(&measured, &wrong, &wrong).holds);
    assert!(
        !validate(&measured, &good, &good).holds,
        "the control agrees, too"
    );
}

#[test]
fn what_was_not_measured_well_does_not_count() {
    let mut measured = shares([0.99, 0.98, 0.1, 0.2]);
    let good = shares([0.99, 0.97, 0.41, 0.205]);
    let before = validate(&measured, &good, &good);
    assert_eq!(before.within, 0.75);
    measured.points[2].tally.voids = vec!["it was late".to_owned()];
    let after = validate(&measured, &good, &good);
    assert_eq!(after.within, 1.0);
    assert_eq!(after.points[2].void.as_deref(), Some("it was late"));
}

#[test]
fn what_was_not_predicted_is_not_within() {
    let measured = shares([0.99, 0.98, 0.4, 0.2]);
    let mut silent = measured.clone();
    silent.points[0].mean.utilisation = None;
    let validation = validate(&measured, &silent, &measured);
    assert!(!validation.points[0].within && validation.points[1].within);
}
