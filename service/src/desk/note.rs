//! What the clerk is told, by those who ask and by scans that run.

use std::sync::mpsc::Sender;

use super::Unchanged;
use super::entering::Arrived;
use crate::doors::{NotTaken, Submitted};
use crate::scan::{Contour, Ended, Scan, ScanName};
use crate::settings::Priority;

/// What the clerk is told.
#[derive(Debug)]
pub(super) enum Note {
    /// An alert is on the disk.
    Arrived {
        arrived: Box<Arrived>,
        answer: Sender<Result<Submitted, NotTaken>>,
    },
    /// Somebody wants a scan changed.
    Asked {
        id: ScanName,
        asked: Asked,
        answer: Sender<Result<Scan, Unchanged>>,
    },
    /// A first contour, or a first stable one.
    Contour {
        id: ScanName,
        run: u64,
        contour: Contour,
    },
    /// A run of a scan has ended.
    Ended {
        id: ScanName,
        run: u64,
        ended: Box<Ended>,
    },
    /// The service stops.
    Stop,
}

/// What may be asked of a scan.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Cancel,
    Priority(Priority),
}
