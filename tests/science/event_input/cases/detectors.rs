//! Detectors that make no sense, and those that did not see the event.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::{SCAN, SHOW, error, event_on, limited, object, told};
use crate::needs::Check;

pub(super) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        (
            "cases::e6_modules_that_the_detector_lacks_are_told_or_refused",
            missing_modules,
        ),
        (
            "cases::e6_an_event_knows_the_detector_it_was_made_for",
            detector_marks,
        ),
        (
            "cases::d17_absurd_detectors_are_refused_where_they_are_read",
            absurd_detectors,
        ),
    ]
}

fn missing_modules() -> Result<(), Failed> {
    let none = json!({});
    let output = told(&SHOW, &event_on(20, 1, &none))?;
    let missing = &object(&output)?["missing_modules"];
    assert_eq!(
        (&missing["modules"], &missing["of_modules"]),
        (&json!(1), &json!(21))
    );
    assert!(error(&output).contains("199-1, are not in the detector IceCube-86 and are left out"));
    // One of 20 is the limit.
    assert!(error(&told(&SCAN, &event_on(20, 1, &none))?).contains("are left out"));
    let refused = told(&SCAN, &event_on(18, 1, &none))?;
    let line = error(&refused);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        line.contains(
            "1 of 19 modules with light (5 % of the charge), such as 199-1, are not in the detector"
        ),
        "{line}"
    );
    let shown = told(&SHOW, &event_on(18, 1, &none))?;
    assert!(error(&shown).contains("a scan would refuse this event"));
    assert!(object(&told(&SHOW, &event_on(20, 0, &none))?)?["missing_modules"].is_null());
    Ok(())
}

fn detector_marks() -> Result<(), Failed> {
    let generated = limited(&["event", "generate", "--seed", "5"])?;
    let file: Value = serde_json::from_slice(&generated.stdout)?;
    let mark = skyscan::event::detector::Detector::icecube86().mark();
    assert_eq!(file["detector"], serde_json::to_value(&mark)?);
    let shown = object(&told(&SHOW, &generated.stdout)?)?;
    assert_eq!(shown["made_for"]["name"], json!("IceCube-86"));

    let of = |name: &str, sha256: &str| {
        event_on(
            20,
            0,
            &json!({"detector": {"name": name, "sha256": sha256}}),
        )
    };
    let refused = told(&SCAN, &of("KM3NeT", &mark.sha256))?;
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        error(&refused).contains("made for the detector KM3NeT, not for IceCube-86"),
        "{}",
        error(&refused)
    );
    let other = told(&SCAN, &of("IceCube-86", "00"))?;
    assert!(error(&other).contains("another description of the detector IceCube-86"));
    let same = told(&SCAN, &of("IceCube-86", &mark.sha256))?;
    assert_eq!(error(&same), "");
    Ok(())
}

fn absurd_detectors() -> Result<(), Failed> {
    let good = json!({
        "format": "skyscan-detector-1", "name": "small", "source": [],
        "site": {"longitude_deg": 0.0, "latitude_deg": 0.0},
        "ice_columns": ["z_m", "scattering_length_m", "absorption_length_m"],
        "ice": [[-100.0, 30.0, 100.0], [0.0, 30.0, 100.0]],
        "dom_columns": ["string", "dom", "x_m", "y_m", "z_m", "relative_efficiency"],
        "doms": [[1, 1, 0.0, 0.0, 0.0, 1.0], [1, 2, 0.0, 0.0, 10.0, 1.0]],
    });
    let show = ["event", "show", "demo/event.json", "--detector", "@"];
    assert_eq!(
        told(&show, good.to_string().as_bytes())?.status.code(),
        Some(0)
    );
    for (path, value, part) in [
        (
            "/ice/1/0",
            json!(1e13),
            "the ice layer at 10000000000000.0 m is more than 20000 m away",
        ),
        ("/ice/0/0", json!(-1e300), "m away"),
        ("/ice/0/0", json!(0.0), "ice layers must rise"),
        ("/ice/0/1", json!(0.0), "the scattering length 0.0 m"),
        (
            "/ice/0/2",
            json!(1e9),
            "the absorption length 1000000000.0 m",
        ),
        ("/ice/0/2", json!(-5), "the absorption length -5.0 m"),
        ("/ice", json!([]), "1 to 10000 ice layers"),
        ("/doms", json!([]), "need 1 to 1000000 DOMs"),
        (
            "/doms/0/2",
            json!(1e5),
            "DOM 1-1 hangs at (100000.0, 0.0, 0.0) m",
        ),
        (
            "/doms/0/5",
            json!(0),
            "DOM 1-1 has the relative efficiency 0",
        ),
        ("/doms/0/5", json!(1e6), "relative efficiency 1000000"),
        ("/doms/1/1", json!(1), "DOM 1-1 is listed twice"),
        ("/doms/0/0", json!(-1), "expected u16"),
        ("/doms/0/3", json!(null), "expected f64"),
        ("/site/latitude_deg", json!(90.5), "is not on Earth"),
        ("/site/longitude_deg", json!(1e9), "is not on Earth"),
        ("/format", json!("\u{1b}[31m"), "format is"),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).ok_or(path)? = value;
        let output = told(&show, bad.to_string().as_bytes())?;
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(error(&output).contains(part), "{path}: {}", error(&output));
        // The payload that a worker gets is guarded by the same check.
        let packed = skyscan::event::detector::Detector::from_json(bad.to_string().as_bytes());
        assert!(packed.is_err(), "{path}");
    }
    let text = good.to_string().replace("-100.0", "NaN");
    assert!(error(&told(&show, text.as_bytes())?).contains("NaN, Infinity or null stands"));
    Ok(())
}
