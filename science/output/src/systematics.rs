//! The files of a scan repeated under systematics: how far the best fit moves, the regions without, the envelope.

use std::io::{self, Write};

use crate::conventions::Conventions;
use crate::doubt::Doubt;
use crate::result::archive;
use crate::shelf::Shelf;
use crate::summary::{RegionExtent, Systematics};
use crate::{ScanRecord, Varied, plot};

/// The table, the picture and the envelope.
pub(crate) fn put(shelf: &mut Shelf<'_>, scan: &ScanRecord<'_>, varied: &Varied<'_>) {
    let named = |end: &str| format!("{}.systematics{end}", scan.event.file_stem());
    shelf.put(&named(".json"), |out| write(scan, varied.told, out));
    let doubts = [scan.event_doubts, &[Doubt::Envelope]].concat();
    let envelope = ScanRecord {
        map: varied.envelope_map,
        regions: varied.envelope,
        event_doubts: &doubts,
        ..scan.clone()
    };
    shelf.put(&named("_envelope.npz"), |out| {
        archive::write(&envelope, out)
    });
    if let Some(figure) = plot::systematics(scan, varied) {
        shelf.put_figure(&named(""), &figure);
    }
}

fn write(scan: &ScanRecord<'_>, told: &Systematics, out: &mut dyn Write) -> io::Result<()> {
    let regions: Vec<RegionExtent> = scan.regions.iter().map(Into::into).collect();
    let document = serde_json::json!({
        "event": scan.event,
        "conventions": Conventions::of(scan),
        "regions": regions,
        "systematics": told,
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}
