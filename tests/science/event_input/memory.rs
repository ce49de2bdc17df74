//! Hostile files that would cost memory if they were believed. Each is read by a copy of this
//! program, so that its peak is its own.

use std::process::Command;

use libtest_mimic::Failed;
use skyscan::event::{ReadOptions, read};

use crate::event_input::hostile::{begun, in_alert, laughs};
use crate::event_input::packing;
use crate::event_input::scratch::Scratch;
use crate::needs::Check;

/// Tells a copy of this program to read one file and report the memory it took.
const CHILD: &str = "SKYSCAN_TEST_READ";
/// Most that reading any file may take, in kilobytes.
const PEAK_KB: u64 = 400_000;

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![("memory::is_bounded_whatever_the_file_says", bounded)]
}

/// In the copy of this program: reads the file and prints the memory it took, and what came of it.
pub(crate) fn answered_as_child() -> bool {
    let Some(path) = std::env::var_os(CHILD) else {
        return false;
    };
    let outcome = match read(path.as_ref(), &ReadOptions::default()) {
        Ok(_) => "was read".to_owned(),
        Err(error) => error.to_string(),
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.map(|peak| peak.trim().trim_end_matches(" kB").to_owned());
    std::io::Write::write_all(
        &mut std::io::stdout(),
        format!("{}\n{outcome}\n", kilobytes.unwrap_or_default()).as_bytes(),
    )
    .is_ok()
}

fn bounded() -> Result<(), Failed> {
    let blank = vec![b' '; 200 << 20];
    let zeros = vec![0_u8; 200 << 20];
    let one = 1_u32.to_le_bytes();
    let name = [1, 0, 0, 0, b'k'];
    let kept = begun(
        'Q',
        &[
            &one,
            &name,
            &name,
            &(63_u32 << 20).to_le_bytes(),
            &zeros[..63 << 20],
        ],
    );
    let class = [
        b"\0\x01\x02\0".as_slice(),
        &20_u32.to_le_bytes(),
        b"I3RecoPulseSeriesMap",
    ]
    .concat();
    let length = |size: usize| (size as u32).to_le_bytes();
    let series = [class.as_slice(), &zeros[..31 << 20]].concat();
    let too_much = [class.as_slice(), &zeros[..33 << 20]].concat();
    let pulses = begun('P', &[&one, &name, &name, &length(series.len()), &series]);
    let more = begun(
        'P',
        &[&one, &name, &name, &length(too_much.len()), &too_much],
    );
    // A zstd frame that asks for a window of 128 MB, then long runs of blanks.
    let window = [
        b"\x28\xb5\x2f\xfd\x00\x88\x08\0\0{".as_slice(),
        &b"\x02\0\x10 ".repeat(2_000),
    ]
    .concat();
    let skipped = begun(
        'G',
        &[&one, &name, &name, &(200_u32 << 20).to_le_bytes(), &zeros],
    );
    let streams = format!(
        "{{\"value\": {{\"streams\": [{}\"\"], \"data\": []}}}}",
        "\"\",".repeat(10 << 20)
    );
    let numbers = format!("{{\"value\": [{}0]}}", "0,".repeat(20 << 20));
    let long_text = "y".repeat(1 << 20);
    let shared = [
        b"\x80\x03](X".as_slice(),
        &(1_u32 << 20).to_le_bytes(),
        long_text.as_bytes(),
        b"q\x00",
        &b"h\x00".repeat(100_000),
        b"e.",
    ]
    .concat();
    let cases = [
        (
            "blank document",
            packing::gzip(&[b"{".as_slice(), &blank].concat()),
            "more than the",
        ),
        ("zlib bomb", in_alert(&zeros), "more than the"),
        ("kept frame", packing::gzip(&kept), "ends in the middle of"),
        ("kept pulses", pulses, "ends in the middle of"),
        ("too many pulses", more, "more than the 33554432"),
        ("zstd window", window, "more than the 67108864"),
        (
            "skipped frame",
            packing::bzip2(&skipped),
            "of it unpack to more than",
        ),
        (
            "streams",
            streams.into_bytes(),
            "expected a list of at most 64",
        ),
        ("numbers", numbers.into_bytes(), "JSON: "),
        (
            "shared lists",
            [b"\x80\x03".as_slice(), &laughs(60), b"."].concat(),
            "pickle: stands for too many values",
        ),
        ("shared text", shared, "pickle: stands for too many values"),
        (
            "empties",
            [b"\x80\x03".as_slice(), &vec![b'}'; 60 << 20]].concat(),
            "pickle: has more than",
        ),
    ];
    for (name, bytes, part) in cases {
        let file = Scratch::new(&bytes);
        let output = Command::new(std::env::current_exe()?)
            .env(CHILD, file.path())
            .output()?;
        let output = String::from_utf8(output.stdout)?;
        let (peak, outcome) = output.split_once('\n').ok_or("the child said nothing")?;
        assert!(outcome.contains(part), "{name}: {outcome}");
        // Elsewhere than on Linux the system does not tell.
        if cfg!(target_os = "linux") {
            let peak: u64 = peak.parse().map_err(|_| format!("{name}: {output}"))?;
            assert!(peak < PEAK_KB, "{name}: took {peak} kB");
        }
    }
    Ok(())
}
