//! Every format gives the same event.

use libtest_mimic::Failed;
use serde_json::json;
use skyscan::event::EventView;

use crate::event_input::packing::{self, Python};
use crate::event_input::sample::{EVENT, RUN, every_format, expected, i3, modern_alert, pulse_map};
use crate::event_input::scratch::{message, options, read_first};
use crate::event_input::writer;
use crate::needs::Check;

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("formats::read_to_the_same_event", reads_every_format),
        ("formats::of_version_5_frames_are_read", reads_version_5),
        ("formats::are_told_by_content", tells_content),
        (
            "formats::of_our_own_keep_every_bit",
            own_format_keeps_every_bit,
        ),
        ("formats::show_what_the_event_holds", shows_an_event),
    ]
}

fn reads_every_format() -> Result<(), Failed> {
    for (name, bytes) in every_format() {
        let event = read_first(&bytes).map_err(|error| format!("{name}: {error}"))?;
        assert_eq!(event, expected(), "{name}");
    }
    Ok(())
}

fn reads_version_5() -> Result<(), Failed> {
    let slots = [
        ("I3EventHeader", writer::header(RUN, EVENT, "")),
        ("InIcePulses", pulse_map()),
    ];
    let mut frame = writer::frame_of_version(5, 'P', &slots);
    assert_eq!(read_first(&frame)?.pulses, expected().pulses);
    let middle = frame.len() - 40;
    frame[middle] ^= 4;
    assert!(message(&frame, &options(None, None)).starts_with("frame 1 (P): checksum is"));
    Ok(())
}

fn tells_content() -> Result<(), Failed> {
    let spaced = [
        b"\xef\xbb\xbf \n".as_slice(),
        &serde_json::to_vec(&modern_alert(Python::Two))?,
    ]
    .concat();
    assert_eq!(read_first(&spaced)?, expected());
    assert_eq!(
        read_first(&packing::zstd(&packing::gzip(&spaced)))?,
        expected()
    );
    // Streams written in pieces.
    let i3 = i3();
    let (a, b) = i3.split_at(i3.len() / 2);
    for pack in [packing::gzip, packing::bzip2, packing::zstd] {
        assert_eq!(read_first(&[pack(a), pack(b)].concat())?, expected());
    }
    let unknown = message(b"#!/bin/sh\n", &options(None, None));
    assert!(unknown.contains("is neither an .i3 file"), "{unknown}");
    assert_eq!(message(b"", &options(None, None)), "is empty");
    Ok(())
}

fn own_format_keeps_every_bit() -> Result<(), Failed> {
    let mut event = expected();
    event.mjd = 59_754.675_884_320_13;
    event.pulses[0].time_ns = 0.1 + 0.2;
    event.pulses[0].charge_pe = 0.1 + 0.7;
    event.seeds[0].position_m = [1.0 / 3.0, -2e-308, 5e-324];
    let mut bytes = Vec::new();
    skyscan::event::write_json(&event, &mut bytes)?;
    assert_eq!(read_first(&bytes)?, event);

    // By hand, without the checksum; and a later version.
    let mut value: serde_json::Value = serde_json::from_slice(&bytes)?;
    value.as_object_mut().unwrap().remove("sha256");
    assert_eq!(read_first(&serde_json::to_vec_pretty(&value)?)?, event);
    value["version"] = json!(2);
    let line = message(&serde_json::to_vec(&value)?, &options(None, None));
    assert_eq!(line, "is a skyscan event of version 2, only 1 is read");
    let line = message(&bytes, &options(Some(1), None));
    assert_eq!(line, "has no event 1; there are: 789");
    Ok(())
}

fn shows_an_event() -> Result<(), Failed> {
    let mut event = expected();
    event.seeds.truncate(2);
    let view = EventView::new(&event, |direction| {
        (direction.azimuth_rad, direction.zenith_rad)
    });
    assert_eq!(
        serde_json::to_value(&view)?,
        json!({
            "run_id": RUN, "event_id": EVENT, "mjd": writer::MJD, "stream": "HESE",
            "pulses": 3, "hlc_pulses": 2, "doms": 2, "strings": 2, "charge_pe": 3.75,
            "first_ns": 700.125, "last_ns": 1010.5,
            "brightest": {"string": 86, "dom": 60, "charge_pe": 2.0},
            "seeds": [
                {"name": "HESE_SPEFit2", "ra_deg": 6.0, "dec_deg": 0.5,
                 "x_m": 1.0, "y_m": -2.0, "z_m": 3.5, "time_ns": 950.0},
                {"name": "SeedVertex", "ra_deg": null, "dec_deg": null,
                 "x_m": 4.0, "y_m": 5.0, "z_m": 6.0, "time_ns": 990.0},
            ],
        })
    );
    Ok(())
}
