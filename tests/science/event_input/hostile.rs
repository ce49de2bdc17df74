//! Hostile files: each gives one clear line.

use libtest_mimic::Failed;
use serde_json::json;
use skyscan::event::ReadOptions;

use crate::event_input::packing;
use crate::event_input::sample::{EVENT, RUN, physics, pulse_map, readout};
use crate::event_input::scratch::message;
use crate::event_input::writer::{self, Blob};
use crate::needs::Check;

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("hostile::pickles_are_refused", pickles),
        ("hostile::pickled_frames_are_refused", pickled_frames),
        ("hostile::absurd_lengths_are_refused", absurd_lengths),
        ("hostile::wrong_objects_name_frame_and_key", wrong_objects),
        ("hostile::messages_stay_one_short_line", short_lines),
    ]
}

fn line(bytes: &[u8]) -> String {
    message(bytes, &ReadOptions::default())
}

/// Lists that hold the list before them twice each: few bytes that stand for 2^count values.
pub(crate) fn laughs(count: u8) -> Vec<u8> {
    let lists = (0..count).flat_map(|n| [b']', b'q', n + 1, b'(', b'h', n, b'h', n, b'e']);
    b"(]q\x00"
        .iter()
        .copied()
        .chain(lists)
        .chain(*b"t")
        .collect()
}

fn pickles() -> Result<(), Failed> {
    let sized = |text: &str| {
        [
            b"X",
            (text.len() as u32).to_le_bytes().as_slice(),
            text.as_bytes(),
        ]
        .concat()
    };
    let nested = [vec![b']'; 5_000], vec![b'a'; 4_999]].concat();
    let mut itself = b"}q\x00".to_vec();
    itself.extend(sized("value"));
    itself.extend(b"h\x00s");
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            b"cposix\nsystem\n".to_vec(),
            "name posix.system is not allowed",
        ),
        (
            b"c__builtin__\neval\n(X\x01\x00\x00\x001tR".to_vec(),
            "name __builtin__.eval is not allowed",
        ),
        (
            b"cicecube.icetray\nI3Frame\n)R".to_vec(),
            "name icecube.icetray.I3Frame is not allowed",
        ),
        (b"}i".to_vec(), "instruction 0x69 is not allowed"),
        (b"}\x82\x01".to_vec(), "instruction 0x82 is not allowed"),
        (
            b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
            "ends in the middle of the pickle",
        ),
        (b"]]]".to_vec(), "goes on after its end"),
        (b"".to_vec(), "takes more than there is"),
        (b"h\x05".to_vec(), "recalls what it never kept"),
        (b"(((u".to_vec(), "takes more than there is"),
        (b"]e".to_vec(), "ends a list that it never began"),
        (b"]K\x01s".to_vec(), "takes more than there is"),
        (b"}]K\x01s".to_vec(), "has a key that is not text"),
        (
            b"X\x02\0\0\0\xff\xfe".to_vec(),
            "has text that is not UTF-8",
        ),
        (vec![b'N'; 300_000], "has more than 262144 instructions"),
        (laughs(30), "stands for too many values"),
        (nested, "is nested more than 64 deep"),
        (itself, "is nested more than 64 deep"),
    ];
    for (body, part) in cases {
        let pickle = [b"\x80\x03".as_slice(), &body, b"."].concat();
        let line = line(&pickle);
        assert!(
            line.contains(part),
            "{:?} gave {line}",
            body.escape_ascii().to_string().get(..60)
        );
    }
    Ok(())
}

pub(crate) fn in_alert(pickle: &[u8]) -> Vec<u8> {
    let text = packing::base64(&packing::zlib(pickle));
    serde_json::to_vec(&json!({"value": {"data": [["P", text]]}})).unwrap()
}

fn pickled_frames() -> Result<(), Failed> {
    let frame = "cicecube.icetray\nI3Frame\n";
    let cases = [
        (
            "cos\nsystem\n(X\x02\0\0\0lstR.".to_owned(),
            "name os.system is not allowed",
        ),
        (
            format!("{frame})RN\u{1}b."),
            "instruction 0x01 is not allowed",
        ),
        (format!("{frame})R."), "does not hold an I3Frame"),
        (
            format!("{frame})RNb."),
            "the state of the frame is not a pair",
        ),
        (format!("{frame})R}}N\u{86}b."), ""),
        (
            format!("{frame}K\u{1}R."),
            "calls without a list of arguments",
        ),
        (
            "c_codecs\nencode\n)R.".to_owned(),
            "calls something that is not allowed",
        ),
        ("}.".to_owned(), "does not hold an I3Frame"),
    ];
    for (body, part) in cases {
        let body: Vec<u8> = body.chars().map(|c| c as u8).collect();
        let line = line(&in_alert(&[b"\x80\x02".as_slice(), &body].concat()));
        assert!(
            line.starts_with("frame 1 (P): pickle: ") && line.contains(part),
            "{line}"
        );
    }
    let text =
        |text: serde_json::Value| serde_json::to_vec(&json!({"value": {"data": text}})).unwrap();
    let cases = [
        (text(json!([["P", "!!!"]])), "frame 1 (P): is not base64"),
        (
            text(json!([["P", "AAAA"]])),
            "frame 1 (P): zlib stream is damaged",
        ),
        (text(json!([["P"]])), "JSON: "),
        (
            text(json!({"no": "frames"})),
            "JSON: missing field `frames`",
        ),
        (
            text(json!(vec![["P", "AAAA"]; 65])),
            "JSON: invalid length 65, expected a list of at most 64",
        ),
        (b"{}".to_vec(), "has neither value (an alert)"),
        (b"{\"value\": ".to_vec(), "JSON: EOF while parsing"),
        (
            [b"{\"value\":".as_slice(), &vec![b'['; 100_000]].concat(),
            "JSON: ",
        ),
    ];
    for (bytes, part) in cases {
        let line = line(&bytes);
        assert!(line.starts_with(part), "{line}");
    }
    Ok(())
}

/// A frame of which only the beginning is there, so nothing but its lengths can be wrong.
pub(crate) fn begun(stop: char, rest: &[&[u8]]) -> Vec<u8> {
    [
        b"[i3]\x06\0\0\0\0\0".as_slice(),
        &[stop as u8],
        &rest.concat(),
    ]
    .concat()
}

fn absurd_lengths() -> Result<(), Failed> {
    let one = 1_u32.to_le_bytes();
    let huge = [[0xff; 4].as_slice(), &[0xff; 7], &[0x7f]].concat();
    let name = [1, 0, 0, 0, b'k'];
    let cases = [
        (
            begun('P', &[&[0xff; 4]]),
            "the list of objects is 4294967295 long",
        ),
        (
            begun('P', &[&one, &huge]),
            "the name of an object is 9223372036854775807 long",
        ),
        (
            begun('P', &[&one, &name, &name, &huge]),
            "an object is 9223372036854775807 long",
        ),
        (
            begun('G', &[&one, &name, &name, &huge]),
            "an object is 9223372036854775807 long",
        ),
        (
            begun('Q', &[&one, &name, &name, &[0, 0, 0, 3]]),
            "ends in the middle of an object",
        ),
        (b"[i3]\x07\0\0\0".to_vec(), "has frame format version 7"),
        (b"[i3]\x04\0\0\0".to_vec(), "has frame format version 4"),
    ];
    for (bytes, part) in cases {
        let line = line(&bytes);
        assert!(line.starts_with("frame 1") && line.contains(part), "{line}");
    }
    Ok(())
}

fn event_with(slots: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut all = vec![("I3EventHeader", writer::header(RUN, EVENT, ""))];
    all.extend(slots.iter().cloned());
    [readout(), writer::frame('P', &all)].concat()
}

fn wrong_objects() -> Result<(), Failed> {
    let series = "SplitInIcePulses";
    let count = |count: u32| {
        Blob::new("I3RecoPulseSeriesMap", 0)
            .class("map", false, 0)
            .u32(count)
            .done()
    };
    let pulse = |time: f64, charge: f32| {
        writer::pulse_map(&[(1, 5, &[(1.0, 1.0, 1.0, 1), (time, charge, 1.0, 1)])])
    };
    let mut long = pulse_map();
    long.push(0);
    let cases = [
        (
            series,
            count(u32::MAX - 1),
            "a list in the object is 4294967294 long",
        ),
        (series, count(u32::MAX), "ends in the middle of the object"),
        (series, long, "has 1 bytes too many"),
        (
            series,
            pulse(f64::NAN, 1.0),
            "pulse 2 of DOM 1-5 has the time NaN ns",
        ),
        (
            series,
            pulse(f64::INFINITY, 1.0),
            "pulse 2 of DOM 1-5 has the time inf ns",
        ),
        (series, pulse(2.0, f32::NAN), "the charge NaN PE"),
        (series, writer::pulse_map(&[]), "has no in-ice pulses"),
        (
            series,
            writer::pulse_map(&[(1, 64, &[(1.0, 1.0, 1.0, 1)])]),
            "has no in-ice pulses",
        ),
        (
            series,
            writer::pulse_map(&[(1, 5, &[]), (1, 4, &[])]),
            "has DOM 1-4 out of order",
        ),
        (
            series,
            Blob::new("I3RecoPulseSeriesMap", 9).done(),
            "I3RecoPulseSeriesMap version 9 is not read",
        ),
        (
            series,
            Blob::new("I3SuperDST", 0).done(),
            "I3SuperDST version 0 is not read",
        ),
        (
            series,
            // A run of widths that would fill 4 GB.
            writer::super_dst(&[0x8000], &[0], [&[0xf1; 8], &[], &[], &[]], &[]),
            "has more pulse widths than pulses",
        ),
        (
            series,
            writer::super_dst(&vec![0x8000; (1 << 21) + 1], &[], [&[]; 4], &[]),
            "the series is 2097153 long, more than the 2097152",
        ),
        (
            "Fit",
            Blob::new("I3Particle", 5).done(),
            "ends in the middle of the object",
        ),
        (
            "CalibrationErrata",
            writer::windows(&[(1, 1, &[(f64::NAN, 1.0)])]),
            "has a window without bounds",
        ),
    ];
    for (key, blob, part) in cases {
        let mut slots = vec![(key, blob)];
        if key != series {
            slots.push((series, pulse_map()));
        }
        let line = line(&event_with(&slots));
        assert!(
            line.starts_with(&format!("frame 2 (P): {key}: ")) && line.contains(part),
            "{line}"
        );
    }

    let alert = json!({"value": {"data": {
        "run_id": 5, "event_id": EVENT,
        "frames": packing::packed(&[('Q', readout()), ('P', physics('P'))], packing::Python::Two),
    }}});
    let line = message(&serde_json::to_vec(&alert)?, &ReadOptions::default());
    assert!(
        line.starts_with("frame 2 (P): is run 123456 event 789, but the alert says run 5"),
        "{line}"
    );
    let swapped =
        json!({"value": {"data": packing::packed(&[('P', readout())], packing::Python::Two)}});
    let line = message(&serde_json::to_vec(&swapped)?, &ReadOptions::default());
    assert!(
        line.starts_with("frame 1 (P): is listed as \"P\" but is 'Q'"),
        "{line}"
    );
    Ok(())
}

fn short_lines() -> Result<(), Failed> {
    let long = "A\n\u{1b}[2J".repeat(10_000);
    let line = line(&serde_json::to_vec(
        &json!({"value": {"data": {"run_id": long}}}),
    )?);
    assert!(
        line.chars().count() < 1_000,
        "{} characters",
        line.chars().count()
    );
    Ok(())
}
