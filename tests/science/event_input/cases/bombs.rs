//! Files that unpack to more than anybody has.

use libtest_mimic::Failed;

use super::super::sample::{EVENT, RUN};
use super::super::{hostile, packing, writer};
use super::{error, told};
use crate::needs::Check;

pub(super) fn checks() -> Vec<(&'static str, Check)> {
    vec![("cases::d12_bombs_are_refused_early", bombs)]
}

fn bombs() -> Result<(), Failed> {
    let zeros = vec![0_u8; 256 << 20];
    let begun = hostile::begun(
        'G',
        &[
            &1_u32.to_le_bytes(),
            &[1, 0, 0, 0, b'k'],
            &[1, 0, 0, 0, b'k'],
            &(zeros.len() as u32).to_le_bytes(),
            &zeros,
        ],
    );
    for pack in [packing::gzip, packing::bzip2] {
        let line = error(&told(&["event", "show", "@"], &pack(&begun))?);
        assert!(line.contains("of it unpack to more than"), "{line}");
    }
    let alone = writer::frame('P', &[("I3EventHeader", writer::header(RUN, EVENT, ""))]);
    assert!(error(&told(&["event", "show", "@"], &alone)?).contains("no known pulse series"));
    Ok(())
}
