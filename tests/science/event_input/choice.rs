//! Which event of a file is read, and which of its pulse series.

use libtest_mimic::Failed;
use serde_json::json;
use skyscan::event::{list, read_noted, survey};

use crate::event_input::packing::{self, Python};
use crate::event_input::sample::{EVENT, RUN, every_format, pulse_map};
use crate::event_input::scratch::{Scratch, message, options, read, read_first};
use crate::event_input::writer;
use crate::needs::Check;

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("choice::an_event_is_picked_by_its_number", picks_by_number),
        (
            "choice::the_part_with_pulses_of_its_own_comes_first",
            prefers_own_pulses,
        ),
        (
            "choice::an_event_of_another_number_than_its_readout_is_read_and_told",
            reads_renumbered,
        ),
        (
            "choice::what_is_damaged_beyond_an_event_is_a_warning",
            warns_of_what_follows,
        ),
        (
            "choice::the_series_follows_version_list_or_name",
            picks_series,
        ),
    ]
}

fn three_events() -> Vec<u8> {
    let event = |id: u32| {
        let readout = [
            ("QI3EventHeader", writer::header(RUN, id, "")),
            ("InIceDSTPulses", pulse_map()),
        ];
        let split = |stream: &str, pulses: &str| {
            let mask = writer::mask("InIceDSTPulses", &[true, false, false], &[&[true, id == 8]]);
            writer::frame(
                'P',
                &[
                    ("I3EventHeader", writer::header(RUN, id, stream)),
                    (pulses, mask),
                ],
            )
        };
        [
            writer::frame('Q', &readout),
            split("NullSplit", "Nothing"),
            split("InIceSplit", "SplitInIcePulses"),
        ]
        .concat()
    };
    let info = writer::frame('I', &[("TrayInfo", vec![1, 2, 3])]);
    [info.clone(), event(7), info, event(8), event(9)].concat()
}

fn renumbered() -> Vec<u8> {
    let readout = [
        ("QI3EventHeader", writer::header(RUN, 1, "")),
        ("InIceDSTPulses", pulse_map()),
    ];
    let physics = [("I3EventHeader", writer::header(RUN, 2, "InIceSplit"))];
    [writer::frame('Q', &readout), writer::frame('P', &physics)].concat()
}

fn reads_renumbered() -> Result<(), Failed> {
    let file = Scratch::new(&renumbered());
    let reading = read_noted(file.path(), &options(Some(2), None))?;
    assert_eq!((reading.event.event_id, reading.event.pulses.len()), (2, 3));
    let [warning] = reading.warnings.as_slice() else {
        return Err(format!("{:?}", reading.warnings).into());
    };
    assert_eq!(
        warning,
        "event 2 of run 123456 is part of a readout that calls itself event 1 of run 123456"
    );
    let listed = list(file.path())?;
    assert_eq!((listed[0].event_id, listed[0].readout), (2, Some((RUN, 1))));
    let file = Scratch::new(&three_events());
    assert!(
        read_noted(file.path(), &options(None, None))?
            .warnings
            .is_empty()
    );
    Ok(())
}

fn warns_of_what_follows() -> Result<(), Failed> {
    let whole = Scratch::new(&three_events());
    let (reading, others) = survey(whole.path(), &options(Some(8), None))?;
    assert_eq!((reading.event.event_id, others), (8, 5));
    assert!(reading.warnings.is_empty());
    let mut bytes = three_events();
    bytes.truncate(bytes.len() - 3);
    let cut = Scratch::new(&bytes);
    let (reading, others) = survey(cut.path(), &options(None, None))?;
    assert_eq!((reading.event.event_id, others), (7, 4));
    assert!(reading.warnings[0].starts_with("the file is damaged beyond this event: frame 11"));
    Ok(())
}

fn picks_by_number() -> Result<(), Failed> {
    let file = three_events();
    assert_eq!(read_first(&file)?.event_id, 7);
    let eighth = read(&file, &options(Some(8), None))?;
    assert_eq!((eighth.event_id, eighth.pulses.len()), (8, 2));
    let line = message(&file, &options(Some(10), None));
    assert_eq!(line, "has no event 10; there are: 7, 8, 9");
    let scratch = Scratch::new(&file);
    let found: Vec<_> = list(scratch.path())?
        .into_iter()
        .map(|summary| {
            (
                summary.run_id,
                summary.event_id,
                summary.subevent_stream,
                summary.mjd,
            )
        })
        .collect();
    let one = |id, stream: &str| (RUN, id, stream.to_owned(), writer::MJD);
    assert_eq!(
        found[..3],
        [
            one(7, "NullSplit"),
            one(7, "InIceSplit"),
            one(8, "NullSplit")
        ]
    );
    assert_eq!(found.len(), 6);
    for (name, bytes) in every_format() {
        let summaries =
            list(Scratch::new(&bytes).path()).map_err(|error| format!("{name}: {error}"))?;
        assert_eq!(summaries.len(), 1, "{name}");
        assert_eq!(
            (summaries[0].run_id, summaries[0].event_id),
            (RUN, EVENT),
            "{name}"
        );
    }
    Ok(())
}

fn prefers_own_pulses() -> Result<(), Failed> {
    // The first part has none, and would fall back on the pulses of the whole readout.
    let event = read(&three_events(), &options(Some(9), None))?;
    assert_eq!(
        (event.pulse_series.as_str(), event.pulses.len()),
        ("SplitInIcePulses", 1)
    );
    Ok(())
}

fn picks_series() -> Result<(), Failed> {
    let slots = |split: &'static str| {
        vec![
            ("I3EventHeader", writer::header(RUN, EVENT, "")),
            (split, pulse_map()),
            (
                "MyPulses",
                writer::mask(split, &[false, false, true], &[&[true]]),
            ),
            ("Fit", writer::particle([0.0; 3], 1.0, 1.0, 0.0, 0)),
        ]
    };
    let both = || {
        [
            slots("SplitInIcePulses"),
            vec![("SplitUncleanedInIcePulses", pulse_map())],
        ]
        .concat()
    };
    let alert = |version: &str, slots: Vec<(&'static str, Vec<u8>)>| {
        let frames = packing::packed(&[('P', writer::frame('P', &slots))], Python::Two);
        let alert = json!({"value": {"version": version, "data": {"frames": frames}}});
        serde_json::to_vec(&alert).unwrap()
    };
    for (version, series) in [
        ("", "SplitUncleanedInIcePulses"),
        ("2021a", "SplitUncleanedInIcePulses"),
        ("2023a", "SplitInIcePulses"),
        ("2024a", "SplitInIcePulses"),
        ("2031z", "SplitUncleanedInIcePulses"),
    ] {
        assert_eq!(
            read_first(&alert(version, both()))?.pulse_series,
            series,
            "{version}"
        );
    }
    let only = read_first(&alert("2023a", slots("SplitUncleanedInIcePulses")))?;
    assert_eq!(only.pulse_series, "SplitUncleanedInIcePulses");
    let named = read(&alert("2023a", both()), &options(None, Some("MyPulses")))?;
    assert_eq!(
        (named.pulse_series.as_str(), named.pulses.len()),
        ("MyPulses", 1)
    );
    let line = message(&alert("2023a", slots("Odd")), &options(None, None));
    assert_eq!(
        line,
        "frame 1 (P): no known pulse series, name one with --pulses; there are: MyPulses, Odd"
    );
    for absent in ["Nope", "Fit"] {
        let line = message(&alert("2023a", slots("Odd")), &options(None, Some(absent)));
        let wanted =
            format!("frame 1 (P): {absent}: no such pulse series; there are: MyPulses, Odd");
        assert_eq!(line, wanted);
    }
    Ok(())
}
