//! One small event, in every format.

use serde_json::json;
use skyscan::event::{DetectorDirection, DomId, Event, ExcludedWindow, Pulse, Seed};

use crate::event_input::packing::{self, Python};
use crate::event_input::writer;

pub(crate) const RUN: u32 = 123_456;
pub(crate) const EVENT: u32 = 789;

pub(crate) fn pulse_map() -> Vec<u8> {
    writer::pulse_map(&[
        (1, 5, &[(1000.25, 1.5, 8.0, 7), (1010.5, 0.25, 16.0, 4)]),
        (1, 61, &[(900.0, 30.0, 100.0, 7)]),
        (86, 60, &[(700.125, 2.0, 4.0, 7)]),
    ])
}

pub(crate) fn readout() -> Vec<u8> {
    writer::frame(
        'Q',
        &[
            ("QI3EventHeader", writer::header(RUN, EVENT, "")),
            ("InIceDSTPulses", pulse_map()),
            (
                "CalibrationErrata",
                writer::windows(&[(86, 60, &[(1.0, 2.5)]), (1, 61, &[(0.0, 9.0)])]),
            ),
        ],
    )
}

pub(crate) fn physics(stop: char) -> Vec<u8> {
    let all = [true, true, true];
    writer::frame(
        stop,
        &[
            ("I3EventHeader", writer::header(RUN, EVENT, "InIceSplit")),
            (
                "SplitUncleanedInIcePulses",
                writer::mask("InIceDSTPulses", &all, &[&[true, true], &[true], &[true]]),
            ),
            (
                "HESE_SPEFit2",
                writer::particle([1.0, -2.0, 3.5], 0.5, 6.0, 950.0, 0),
            ),
            ("HESE_llhratio", writer::double(12.0)),
            ("SeedVertexPos", writer::position([4.0, 5.0, 6.0])),
            ("SeedVertexTime", writer::double(990.0)),
        ],
    )
}

/// The frames of the event with what usually stands around them.
pub(crate) fn packet(stop: char) -> Vec<(char, Vec<u8>)> {
    let padding = (0..200_u32)
        .flat_map(|n| (n * n).to_le_bytes())
        .collect::<Vec<u8>>();
    vec![
        (
            'G',
            writer::frame('G', &[("I3GeometryDiff", padding.clone())]),
        ),
        ('C', writer::frame('C', &[("I3CalibrationDiff", padding)])),
        ('D', writer::frame('D', &[])),
        ('Q', readout()),
        (stop, physics(stop)),
    ]
}

pub(crate) fn i3() -> Vec<u8> {
    packet('P')
        .into_iter()
        .flat_map(|(_, frame)| frame)
        .collect()
}

/// What every format must give.
pub(crate) fn expected() -> Event {
    let dom = |string, dom| DomId { string, dom };
    let pulse = |dom, time_ns, charge_pe, width_ns, hlc| Pulse {
        dom,
        time_ns,
        charge_pe,
        width_ns,
        hlc,
    };
    Event {
        truth: None,
        run_id: RUN,
        event_id: EVENT,
        mjd: writer::MJD,
        stream: "HESE".to_owned(),
        pulse_series: "SplitUncleanedInIcePulses".to_owned(),
        pulses: vec![
            pulse(dom(1, 5), 1000.25, 1.5, 8.0, true),
            pulse(dom(1, 5), 1010.5, 0.25, 16.0, false),
            pulse(dom(86, 60), 700.125, 2.0, 4.0, true),
        ],
        excluded: vec![ExcludedWindow {
            dom: dom(86, 60),
            start_ns: 1.0,
            stop_ns: 2.5,
        }],
        seeds: vec![
            Seed {
                name: "HESE_SPEFit2".to_owned(),
                direction: Some(DetectorDirection {
                    zenith_rad: 0.5,
                    azimuth_rad: 6.0,
                }),
                position_m: [1.0, -2.0, 3.5],
                time_ns: 950.0,
            },
            Seed {
                name: "SeedVertex".to_owned(),
                direction: None,
                position_m: [4.0, 5.0, 6.0],
                time_ns: 990.0,
            },
        ],
    }
}

pub(crate) fn modern_alert(python: Python) -> serde_json::Value {
    json!({
        "_id": "0", "varname": "realtimeEventData", "time": "2016-01-02 06:00:00",
        "value": {
            "version": "2021a", "streams": ["neutrino"],
            "data": {
                "run_id": RUN, "event_id": EVENT, "nch": 2, "qtot": 3.75, "it_trig": false,
                "reco": {"spefit2": {"zen": 0.5, "azi": 6.0}}, "neutrino": {"bdt_down": null},
                "frames": packing::packed(&packet('P'), python),
            },
        },
    })
}

/// The event in every format, with a name for each.
pub(crate) fn every_format() -> Vec<(&'static str, Vec<u8>)> {
    let text = |value: serde_json::Value| serde_json::to_vec(&value).unwrap();
    let mut own = Vec::new();
    skyscan::event::write_json(&expected(), &mut own).unwrap();
    vec![
        ("i3", i3()),
        ("i3.gz", packing::gzip(&i3())),
        ("i3.bz2", packing::bzip2(&i3())),
        ("i3.zst", packing::zstd(&i3())),
        (
            "alert of 2016",
            text(json!({
                "varname": "heseEvent", "prio": 3,
                "value": {"data": packing::packed(&packet('P'), Python::Two), "zmqnotify": {}},
            })),
        ),
        ("alert, Python 2", text(modern_alert(Python::Two))),
        ("alert, Python 3", text(modern_alert(Python::Three))),
        (
            "alert, protocol 4",
            text(modern_alert(Python::ThreeProtocol4)),
        ),
        (
            "pickled alert",
            packing::pickled(&modern_alert(Python::Three)),
        ),
        (
            "startup.json",
            text(json!({
                "baseline_GCD_file": "/opt/gcd.i3", "scan_id": "1",
                "GCDQp_packet": {"frames": packing::packed(&packet('p'), Python::Three)},
            })),
        ),
        ("own", own),
    ]
}
