//! What each kind of frame object is read as.

use libtest_mimic::Failed;
use serde_json::json;
use skyscan::event::DetectorDirection;

use crate::event_input::packing::{self, Python};
use crate::event_input::sample::{EVENT, RUN, expected, pulse_map};
use crate::event_input::scratch::{message, options, read_first};
use crate::event_input::writer;
use crate::needs::Check;

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        (
            "objects::super_dst_unpacks_to_its_last_word",
            unpacks_super_dst,
        ),
        ("objects::masks_apply_in_chains", applies_masks),
        ("objects::unions_are_resolved_like_masks", resolves_unions),
        (
            "objects::a_class_that_is_not_known_is_called_so",
            names_unknown_classes,
        ),
        ("objects::seeds_are_the_good_ones", keeps_good_seeds),
        ("objects::windows_have_ends", cuts_windows),
        ("objects::the_stream_is_told", tells_the_stream),
    ]
}

fn unpacks_super_dst() -> Result<(), Failed> {
    let (hlc, stop) = (1 << 14, 1 << 15);
    let stamp = |time: u16, charge: u16, flags: u16| time | charge << 8 | flags;
    let dom = |string: u16, om: u16| string << 6 | (om - 1);
    let stamps = [
        // 2-7: full time (slop 7, 255) spills twice, charge spills once; then 3 ns later, then the
        // same nanosecond again.
        stamp(255, 63, hlc),
        u16::MAX,
        10,
        5,
        stamp(3, 2, hlc),
        stamp(0, 1, hlc | stop),
        // 2-8: one nanosecond after the first pulse of the readout before.
        stamp(1, 0, stop),
        // 1-61, on the surface.
        stamp(0, 9, hlc | stop),
    ];
    let headers = [7 << 13 | dom(2, 7), dom(2, 8), dom(1, 61)];
    // 2^3 ns for the soft one; three hard ones of 2^4; none; one of 2^7.
    let blob = writer::super_dst(&stamps, &headers, [&[0x13], &[0x34], &[], &[0x17]], &[100]);
    let slots = [
        ("I3EventHeader", writer::header(RUN, EVENT, "")),
        ("InIceDSTPulses", blob),
    ];
    let event = read_first(&writer::frame('P', &slots))?;
    let first = -512.0 + 2047.0 + 65_535.0 + 10.0;
    let found: Vec<_> = event
        .pulses
        .iter()
        .map(|p| {
            (
                p.dom.string,
                p.dom.dom,
                p.time_ns,
                p.charge_pe,
                p.width_ns,
                p.hlc,
            )
        })
        .collect();
    let charge = |code: f64| (0.05 * code + 0.025) as f32;
    assert_eq!(
        found,
        [
            // The middle one has no room before the last, so it shares the room of the first.
            (2, 7, first, charge(68.0), 1.5, true),
            (2, 7, first + 1.5, charge(2.0), 1.5, true),
            (2, 7, first + 3.0, charge(1.0), 16.0, true),
            (2, 8, first + 1.0, charge(0.0), 8.0, false),
        ]
    );
    // A word too many or too few is noticed.
    for (stamps, widths) in [
        (&stamps[..7], 0x34),
        (&stamps[..], 0x44),
        (&stamps[..], 0x24),
    ] {
        let blob = writer::super_dst(stamps, &headers, [&[0x13], &[widths], &[], &[0x17]], &[100]);
        let slots = [
            ("I3EventHeader", writer::header(RUN, EVENT, "")),
            ("InIceDSTPulses", blob),
        ];
        let line = message(&writer::frame('P', &slots), &options(None, None));
        assert!(line.starts_with("frame 1 (P): InIceDSTPulses: "), "{line}");
    }
    Ok(())
}

fn applies_masks() -> Result<(), Failed> {
    let event = |a: Vec<u8>, b: Vec<u8>| {
        writer::frame(
            'P',
            &[
                ("I3EventHeader", writer::header(RUN, EVENT, "")),
                ("Pulses", pulse_map()),
                ("Middle", a),
                ("InIcePulses", b),
            ],
        )
    };
    let middle = || writer::mask("Pulses", &[true, false, true], &[&[false, true], &[true]]);
    let top = writer::mask("Middle", &[true, false], &[&[true]]);
    let pulses = read_first(&event(middle(), top))?.pulses;
    assert_eq!(pulses, expected().pulses[1..2]);

    let wrong = [
        (
            writer::mask("Middle", &[true], &[&[true]]),
            "InIcePulses: masks 1 DOMs",
        ),
        (
            writer::mask("Middle", &[true, false], &[]),
            "InIcePulses: has fewer masks",
        ),
        (
            writer::mask("Middle", &[false, false], &[&[true]]),
            "InIcePulses: has more masks",
        ),
        (
            writer::mask("Middle", &[true, false], &[&[true, true]]),
            "InIcePulses: masks 2 pulses",
        ),
        (
            writer::mask("Middle", &[false, false], &[]),
            "InIcePulses: has no in-ice pulses",
        ),
        (
            writer::mask("Nowhere", &[true], &[&[true]]),
            "InIcePulses: needs Nowhere, which is not",
        ),
        (
            writer::mask("InIcePulses", &[true], &[&[true]]),
            "InIcePulses: the chain of masks is 17",
        ),
    ];
    for (top, part) in wrong {
        let line = message(&event(middle(), top), &options(None, None));
        assert!(line.starts_with(&format!("frame 1 (P): {part}")), "{line}");
    }
    Ok(())
}

fn resolves_unions() -> Result<(), Failed> {
    let other = || {
        writer::pulse_map(&[
            (1, 5, &[(1005.0, 9.0, 1.0, 1), (1000.25, 8.0, 1.0, 0)]),
            (90, 105, &[(1.0, 1.0, 1.0, 1)]),
        ])
    };
    let event = |top: Vec<u8>| {
        let readout = [
            ("QI3EventHeader", writer::header(RUN, EVENT, "")),
            ("Pulses", pulse_map()),
            ("Other", other()),
            ("Both", writer::union(&["Pulses", "Other"])),
        ];
        let physics = [
            ("I3EventHeader", writer::header(RUN, EVENT, "")),
            ("InIcePulses", top),
        ];
        [writer::frame('Q', &readout), writer::frame('P', &physics)].concat()
    };
    let found = |top: Vec<u8>| -> Result<Vec<(u16, u16, f64)>, Failed> {
        let pulses = read_first(&event(top))?.pulses;
        let found = pulses.iter().map(|p| (p.dom.string, p.dom.dom, p.time_ns));
        Ok(found.collect())
    };
    let all = [
        (1, 5, 1000.25),
        (1, 5, 1000.25),
        (1, 5, 1005.0),
        (1, 5, 1010.5),
        (86, 60, 700.125),
        // Strings beyond those with tanks hold more modules in the ice.
        (90, 105, 1.0),
    ];
    assert_eq!(found(writer::union(&["Both"]))?, all);
    // Of the DOMs 1-5, 1-61, 86-60 and 90-105 the first and the last; the pulses of the first by time.
    let mask = writer::mask(
        "Both",
        &[true, false, false, true],
        &[&[false, false, true, false], &[true]],
    );
    assert_eq!(found(mask)?, [(1, 5, 1005.0), (90, 105, 1.0)]);

    let many = vec!["Both"; 40];
    let wrong = [
        (
            writer::union(&["Nowhere"]),
            "InIcePulses: needs Nowhere, which is not",
        ),
        (
            writer::union(&["InIcePulses"]),
            "InIcePulses: the chain of masks is 17",
        ),
        (writer::union(&many), "Both: the list of series is 65"),
        (writer::union(&[]), "InIcePulses: has no in-ice pulses"),
    ];
    for (top, part) in wrong {
        let line = message(&event(top), &options(None, None));
        assert!(line.contains(part), "{line}");
    }
    Ok(())
}

fn names_unknown_classes() -> Result<(), Failed> {
    let class = "I3RecoPulseSeriesMapApplySPECorrection";
    let corrected = || writer::Blob::new(class, 0).string("Pulses").done();
    let event = |series: &str, blob: Vec<u8>| {
        let slots = [
            ("I3EventHeader", writer::header(RUN, EVENT, "")),
            ("Corrected", corrected()),
            (series, blob),
        ];
        writer::frame('P', &slots)
    };
    let unknown = format!("unknown class {class}: pulses are read from");
    for (file, asked) in [
        (event("InIcePulses", corrected()), None),
        (event("InIcePulses", pulse_map()), Some("Corrected")),
        (event("InIcePulses", writer::union(&["Corrected"])), None),
    ] {
        let line = message(&file, &options(None, asked));
        assert!(
            line.contains(&unknown) && !line.contains("damaged"),
            "{line}"
        );
    }
    // Beside a series that is read, it does not matter.
    assert_eq!(
        read_first(&event("InIcePulses", pulse_map()))?.pulse_series,
        "InIcePulses"
    );
    Ok(())
}

fn keeps_good_seeds() -> Result<(), Failed> {
    let nan = f64::NAN;
    let frame = writer::frame(
        'P',
        &[
            ("I3EventHeader", writer::header(RUN, EVENT, "")),
            ("InIcePulses", pulse_map()),
            ("z_good", writer::particle([1.0; 3], 1.0, 7.0, 5.0, 0)),
            ("a_failed", writer::particle([1.0; 3], 1.0, 1.0, 5.0, 10)),
            (
                "b_nowhere",
                writer::particle([1.0, nan, 1.0], 1.0, 1.0, 5.0, 0),
            ),
            ("c_never", writer::particle([1.0; 3], 1.0, 1.0, nan, 0)),
            ("d_aimless", writer::particle([1.0; 3], nan, nan, 5.0, 0)),
            ("VertexPos", writer::position([nan; 3])),
            ("VertexTime", writer::double(1.0)),
            ("LonelyPos", writer::position([1.0; 3])),
        ],
    );
    let seeds = read_first(&frame)?.seeds;
    let found: Vec<_> = seeds
        .iter()
        .map(|seed| (seed.name.as_str(), seed.direction))
        .collect();
    let good = DetectorDirection {
        zenith_rad: 1.0,
        azimuth_rad: 7.0 - std::f64::consts::TAU,
    };
    assert_eq!(
        found,
        [
            ("a_failed", None),
            ("d_aimless", None),
            ("z_good", Some(good))
        ]
    );
    Ok(())
}

fn cuts_windows() -> Result<(), Failed> {
    let frame = writer::frame(
        'P',
        &[
            ("I3EventHeader", writer::header(RUN, EVENT, "")),
            ("InIcePulses", pulse_map()),
            (
                "SaturationWindows",
                writer::windows(&[(3, 4, &[(5.0, f64::INFINITY)])]),
            ),
            (
                "CalibrationErrata",
                writer::windows(&[(3, 4, &[(6.0, 7.0)]), (2, 4, &[(8.0, 9.0)])]),
            ),
        ],
    );
    let event = read_first(&frame)?;
    let found: Vec<_> = event
        .excluded
        .iter()
        .map(|w| (w.dom.string, w.start_ns, w.stop_ns))
        .collect();
    assert_eq!(found, [(2, 8.0, 9.0), (3, 5.0, 1e12), (3, 6.0, 7.0)]);
    Ok(())
}

fn tells_the_stream() -> Result<(), Failed> {
    let message = |text: &str| writer::Blob::new("I3String", 0).string(text).done();
    let read = |more: Vec<(&str, Vec<u8>)>, streams: &str, topic: &str| {
        let slots = [
            vec![
                ("I3EventHeader", writer::header(RUN, EVENT, "")),
                ("InIcePulses", pulse_map()),
            ],
            more,
        ];
        let frames = packing::packed(&[('P', writer::frame('P', &slots.concat()))], Python::Two);
        let alert = json!({
            "varname": topic, "value": {"streams": [streams], "data": {"frames": frames}},
        });
        read_first(&serde_json::to_vec(&alert).unwrap()).map(|event| event.stream)
    };
    let short = vec![(
        "AlertShortFollowupMsg",
        message(r#"{"run_id": 1, "ehe": {}}"#),
    )];
    assert_eq!(read(short, "neutrino", "")?, "EHE");
    assert_eq!(
        read(vec![("HESE_llhratio", writer::double(1.0))], "neutrino", "")?,
        "HESE"
    );
    assert_eq!(
        read(vec![("Estres_p_miss", writer::double(1.0))], "", "")?,
        "ESTRES"
    );
    assert_eq!(read(vec![], "gold", "realtimeEventData")?, "GOLD");
    assert_eq!(read(vec![], "", "heseEvent16Data")?, "HESE");
    assert_eq!(read(vec![], "who knows", "realtimeEventData")?, "");
    Ok(())
}
