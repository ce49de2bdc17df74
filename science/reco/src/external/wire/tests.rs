use super::*;
use crate::synthetic::{Recipe, generate};
use skyscan_event::DetectorDirection;

fn answer(framing: Framing, json: serde_json::Value) -> Result<Vec<PixelOutcome>, String> {
    let body = match framing {
        Framing::JsonLines => json.to_string().into_bytes(),
        Framing::Msgpack => rmp_serde::to_vec_named(&json).unwrap(),
    };
    let answer: TaskAnswer = framing.decode(&body)?;
    Ok(answer.fits.into_iter().map(FitMessage::outcome).collect())
}

#[test]
fn an_answer_is_the_same_in_both_framings() {
    let json = serde_json::json!({"fits": [
        {"llh": 1, "position_m": [1.5, -2, 0], "time_ns": 9.25},
        {"llh": 2.5},
        {"failed": "too dark"},
        {"llh": null},
        {"llh": 3.0, "time_ns": null},
        {"llh": 3.0, "position_m": [0, null, 0]},
    ]});
    let outcomes = answer(Framing::JsonLines, json.clone()).unwrap();
    assert_eq!(answer(Framing::Msgpack, json).unwrap(), outcomes);
    let fit = |llh, position_m, time_ns| {
        PixelOutcome::Fitted(PixelFit {
            llh,
            position_m,
            time_ns,
            energy_inside_gev: None,
            energy_total_gev: None,
        })
    };
    assert_eq!(outcomes[0], fit(1.0, [1.5, -2.0, 0.0], 9.25));
    assert_eq!(outcomes[1], fit(2.5, [0.0; 3], 0.0));
    assert_eq!(outcomes[2], PixelOutcome::Failed("too dark".to_owned()));
    for failed in &outcomes[3..] {
        assert!(matches!(failed, PixelOutcome::Failed(reason) if reason.contains("finite")));
    }
}

/// Python's json, Julia's and others write these words.
#[test]
fn nan_in_json_fails_its_pixel_only() {
    let body = br#"{"fits": [{"llh": NaN}, {"llh": -Infinity}, {"failed": "a \"NaN\" in it"}, {"llh": 1.0}]}"#;
    let answer: TaskAnswer = Framing::JsonLines.decode(body).unwrap();
    let outcomes: Vec<_> = answer.fits.into_iter().map(FitMessage::outcome).collect();
    assert!(matches!(&outcomes[0], PixelOutcome::Failed(reason) if reason.contains("llh")));
    assert!(matches!(&outcomes[1], PixelOutcome::Failed(reason) if reason.contains("llh")));
    assert_eq!(
        outcomes[2],
        PixelOutcome::Failed("a \"NaN\" in it".to_owned())
    );
    assert!(matches!(&outcomes[3], PixelOutcome::Fitted(_)));
}

#[test]
fn rubbish_is_shown_and_never_panics() {
    let decode = |framing: Framing, body: &[u8]| framing.decode::<TaskAnswer>(body).err();
    let told = decode(Framing::JsonLines, b"fitting pixel 7\n").unwrap();
    assert!(told.contains("fitting pixel 7"), "{told}");
    assert!(decode(Framing::JsonLines, &[0xff, 0xfe, b'"', b'\\']).is_some());
    assert!(decode(Framing::Msgpack, b"\xdf\xff\xff\xff\xff").is_some());
    assert!(decode(Framing::Msgpack, b"").is_some());
    let long = decode(Framing::JsonLines, "\u{e9}".repeat(100_000).as_bytes()).unwrap();
    assert!(long.len() < 500, "{}", long.len());
}

#[test]
fn names_are_plain_words() {
    let check = |skyscan, name: &str| {
        let name = name.to_owned();
        Hello { skyscan, name }.check()
    };
    assert_eq!(check(VERSION, "mean-residual-1.2"), Ok(()));
    for name in ["", "two words", "a,b", &"x".repeat(65)] {
        assert!(check(VERSION, name).is_err(), "{name:?}");
    }
    assert!(
        check(VERSION + 1, "fine")
            .unwrap_err()
            .contains("version 2")
    );
}

#[test]
fn messages_are_framed_as_documented() {
    let request = PixelRequest {
        direction: DetectorDirection {
            zenith_rad: 1.0,
            azimuth_rad: 0.5,
        },
        seeds: vec![VertexSeed {
            position_m: [1.0, 2.0, 3.0],
            time_ns: 4.0,
        }],
    };
    let task = TaskMessage::new(&[request]);
    let line = String::from_utf8(Framing::JsonLines.encode(&task)).unwrap();
    let expected =
        r#"{"pixels":[{"zenith_rad":1.0,"azimuth_rad":0.5,"seeds":[[1.0,2.0,3.0,4.0]]}]}"#;
    assert_eq!(line, format!("{expected}\n"));
    let framed = Framing::Msgpack.encode(&task);
    let (length, body) = framed.split_at(4);
    assert_eq!(
        u32::from_be_bytes(length.try_into().unwrap()) as usize,
        body.len()
    );
    let same: serde_json::Value = rmp_serde::from_slice(body).unwrap();
    assert_eq!(
        same,
        serde_json::from_str::<serde_json::Value>(expected).unwrap()
    );
}

#[test]
fn an_event_is_told_without_its_truth() {
    let detector = Detector::icecube86();
    let recipe = Recipe::of(3, 1e5);
    let event = generate(&detector, &recipe);
    assert!(event.truth.is_some());
    let text = EventText::new(&event, &detector);
    let told: serde_json::Value = serde_json::from_slice(text.framed(Framing::JsonLines)).unwrap();
    assert_eq!(told["event"].get("truth"), None);
    assert_eq!(
        told["event"]["pulses"].as_array().unwrap().len(),
        event.pulses.len()
    );
    assert_eq!(
        told["first_hits"].as_array().unwrap().len(),
        first_hits(&event, &detector).len()
    );
    assert_eq!(
        told["detector"]["doms"].as_array().unwrap().len(),
        detector.doms.len()
    );
}
