//! Real events, where they are at hand: what a correct reader finds, in every copy of each event.

use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use skyscan::event::{Event, EventView, ReadOptions, list, read};

use crate::event_input::damage::flip;
use crate::event_input::packing;
use crate::event_input::scratch::read_first;
use crate::needs::Check;

/// Flips for each of the six files.
const FLIPS_A_FILE: u64 = 170;

const UP_GOING: &str = "138632_31747601.json";
const CONTAINED: &str = "hese_event_01.json";
const CONTAINED_I3: &str = "run00127907.evt000020178442.HESE_GCDQP.i3";
const LONG_TRACK: &str = "hese_event_02.json";
const GOLD: &str = "run00136766-evt000007637140-GOLD.pkl";
const GOLD_STARTUP: &str = "run00136766-evt000007637140-startup.json";

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/events")
}

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("have_the_pulses_that_are_known", known_pulses),
        ("are_the_same_in_every_copy", same_in_every_copy),
        ("are_the_same_compressed", same_compressed),
        (
            "have_their_seeds_windows_and_streams",
            seeds_windows_streams,
        ),
        ("survive_their_own_format", survive_own_format),
        ("are_listed", are_listed),
        ("cut_at_or_inside_any_frame_are_errors", cut),
        ("with_a_flipped_bit_never_change", flipped),
    ]
}

fn event(name: &str) -> Result<Event, Failed> {
    Ok(read(&folder().join(name), &ReadOptions::default())?)
}

/// MJD, pulses, hard ones, DOMs, strings, charge, first, last, string and number of the brightest
/// DOM with its charge.
type Known = (
    f64,
    usize,
    usize,
    usize,
    usize,
    f64,
    f64,
    f64,
    (u16, u16, f64),
);

fn known_pulses() -> Result<(), Failed> {
    #[rustfmt::skip]
    let known: [(&str, u32, u32, Known); 4] = [
        (GOLD, 136_766, 7_637_140,
         (59754.675884, 1781, 1657, 321, 62, 2875.6, 731_452.0, 751_088.0, (11, 60, 557.0))),
        (UP_GOING, 138_632, 31_747_601,
         (60280.714168, 948, 870, 216, 50, 885.5, 6161.0, 21_032.0, (1, 41, 31.0))),
        (CONTAINED, 127_907, 20_178_442,
         (57517.643542, 410, 353, 75, 39, 2050.2, 6085.0, 24_934.0, (23, 9, 869.0))),
        (LONG_TRACK, 127_908, 38_887_237,
         (57518.057912, 1157, 1034, 316, 51, 2787.2, 5972.0, 27_154.0, (47, 31, 1316.0))),
    ];
    for (name, run_id, event_id, known) in known {
        let (mjd, pulses, hlc_pulses, doms, strings, charge_pe, first_ns, last_ns, bright) = known;
        let view = EventView::new(&event(name)?, |_| (0.0, 0.0));
        assert_eq!((view.run_id, view.event_id), (run_id, event_id), "{name}");
        assert!((view.mjd - mjd).abs() < 1e-6, "{name}: {}", view.mjd);
        assert_eq!(
            (view.pulses, view.hlc_pulses, view.doms, view.strings),
            (pulses, hlc_pulses, doms, strings),
            "{name}"
        );
        assert!(
            (view.charge_pe - charge_pe).abs() < 0.06,
            "{name}: {}",
            view.charge_pe
        );
        let (first, last) = (view.first_ns.unwrap(), view.last_ns.unwrap());
        assert!(
            (first - first_ns).abs() <= 0.5 && (last - last_ns).abs() <= 0.5,
            "{name}: {first} {last}"
        );
        let dom = view.brightest.unwrap();
        assert_eq!((dom.string, dom.dom), (bright.0, bright.1), "{name}");
        assert!(
            (dom.charge_pe - bright.2).abs() < 0.6,
            "{name}: {}",
            dom.charge_pe
        );
    }
    Ok(())
}

fn same_in_every_copy() -> Result<(), Failed> {
    assert_eq!(event(CONTAINED_I3)?, event(CONTAINED)?);
    let (gold, startup) = (event(GOLD)?, event(GOLD_STARTUP)?);
    assert_eq!(
        (&gold.pulses, &gold.excluded, gold.mjd),
        (&startup.pulses, &startup.excluded, startup.mjd)
    );
    assert_eq!(
        (gold.run_id, gold.event_id),
        (startup.run_id, startup.event_id)
    );
    Ok(())
}

fn same_compressed() -> Result<(), Failed> {
    let plain = event(CONTAINED_I3)?;
    let bytes = std::fs::read(folder().join(CONTAINED_I3))?;
    for pack in [packing::gzip, packing::bzip2, packing::zstd] {
        assert_eq!(read_first(&pack(&bytes))?, plain);
    }
    Ok(())
}

fn seeds_windows_streams() -> Result<(), Failed> {
    let names = |event: &Event| {
        event
            .seeds
            .iter()
            .map(|seed| seed.name.clone())
            .collect::<Vec<_>>()
    };
    let gold = event(GOLD)?;
    assert_eq!(names(&gold), ["OnlineL2_BestFit", "OnlineL2_SplineMPE"]);
    let spline = gold.seeds[1].direction.unwrap();
    assert!(
        (spline.zenith_rad - 2.27946).abs() < 1e-5 && (spline.azimuth_rad - 0.37533).abs() < 1e-5
    );
    assert_eq!((gold.stream.as_str(), gold.excluded.len()), ("neutrino", 4));
    assert_eq!(
        names(&event(GOLD_STARTUP)?),
        [
            "OnlineL2_BestFit",
            "OnlineL2_BestFit_MuEx",
            "OnlineL2_SplineMPE",
            "SeedVertex"
        ]
    );
    let long = event(LONG_TRACK)?;
    assert_eq!(
        names(&long),
        [
            "HESE_CascadeLlhVertexFit",
            "HESE_MuonImprovedLineFit",
            "HESE_SPEFit2",
            "HESE_SPEFitSingle",
            "HESE_VHESelfVetoVertex",
        ]
    );
    // Four errata and one saturated DOM.
    assert_eq!((long.stream.as_str(), long.excluded.len()), ("HESE", 5));
    let up_going = event(UP_GOING)?;
    assert_eq!(
        (up_going.stream.as_str(), up_going.pulse_series.as_str()),
        ("neutrino", "SplitInIcePulses")
    );
    Ok(())
}

fn survive_own_format() -> Result<(), Failed> {
    for name in [GOLD, UP_GOING, CONTAINED, LONG_TRACK] {
        let event = event(name)?;
        let mut bytes = Vec::new();
        skyscan::event::write_json(&event, &mut bytes)?;
        assert_eq!(read_first(&bytes)?, event, "{name}");
    }
    Ok(())
}

fn are_listed() -> Result<(), Failed> {
    for (name, event_id) in [
        (CONTAINED_I3, 20_178_442),
        (GOLD, 7_637_140),
        (GOLD_STARTUP, 7_637_140),
    ] {
        let summaries = list(&folder().join(name))?;
        assert_eq!(summaries.len(), 1, "{name}");
        assert_eq!(summaries[0].event_id, event_id, "{name}");
        assert_eq!(summaries[0].subevent_stream, "InIceSplit", "{name}");
    }
    Ok(())
}

fn cut() -> Result<(), Failed> {
    let bytes = std::fs::read(folder().join(CONTAINED_I3))?;
    let starts: Vec<usize> = bytes
        .windows(6)
        .enumerate()
        .filter(|(_, w)| *w == b"[i3]\x06\0")
        .map(|(at, _)| at)
        .collect();
    assert_eq!(starts.len(), 5);
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    for (start, end) in starts.iter().zip(ends) {
        for length in [
            *start,
            start + 3,
            start + 9,
            start + 14,
            (start + end) / 2,
            end - 1,
        ] {
            assert!(
                read_first(&bytes[..length]).is_err(),
                "read from the first {length} bytes"
            );
        }
    }
    Ok(())
}

fn flipped() -> Result<(), Failed> {
    let names = [
        UP_GOING,
        CONTAINED,
        CONTAINED_I3,
        LONG_TRACK,
        GOLD,
        GOLD_STARTUP,
    ];
    for (seed, name) in names.into_iter().enumerate() {
        let bytes = std::fs::read(folder().join(name))?;
        flip(&bytes, &event(name)?, FLIPS_A_FILE, 100 + seed as u64)
            .map_err(|failed| format!("{name}: {}", failed.message().unwrap_or_default()))?;
    }
    Ok(())
}
