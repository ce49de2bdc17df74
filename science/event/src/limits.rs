//! How much of an input is believed: every bound that keeps a hostile or broken file from costing
//! more than a few hundred megabytes. Each is far above anything seen in real files.

use super::Pulse;

/// A JSON or pickle document as a whole; real alerts are half a megabyte.
pub(super) const MAX_DOCUMENT_BYTES: u64 = 64 << 20;
/// What a compressed file may unfold to; a day of filtered data is a few gigabytes.
pub(super) const MAX_UNPACKED_BYTES: u64 = 16 << 30;
/// How many times its packed size, beyond the first [`FREE_UNPACKED_BYTES`]; real files unfold to three
/// to ten times.
pub(super) const MAX_UNPACKED_RATIO: u64 = 200;
/// What any file may unfold to, however small it is.
pub(super) const FREE_UNPACKED_BYTES: u64 = 96 << 20;
/// Compression inside compression.
pub(super) const MAX_COMPRESSION_LAYERS: usize = 2;
/// Memory that a zstd stream may ask for to look back into.
pub(super) const MAX_ZSTD_WINDOW_BYTES: u64 = 128 << 20;
/// The objects of a Q or P frame that are kept in memory; real ones take well under a megabyte.
pub(super) const MAX_KEPT_BYTES: u64 = 32 << 20;
/// Any frame as a whole, most of which only runs through the checksum; full calibrations and
/// simulated photons take up to hundreds of megabytes.
pub(super) const MAX_FRAME_BYTES: u64 = 1 << 30;
/// A frame of an alert, unpacked to its pickle; the largest seen is half a megabyte.
pub(super) const MAX_ALERT_FRAME_BYTES: u64 = 32 << 20;
/// Objects in a frame.
pub(super) const MAX_FRAME_SLOTS: u32 = 1 << 16;
/// Characters in the name of a frame object or of a type.
pub(super) const MAX_NAME_BYTES: u64 = 1 << 10;
/// Frames, or stream names, in an alert; real ones hold five.
pub(super) const MAX_ALERT_ITEMS: usize = 64;
/// Pulses in a series; the brightest events ever seen have a few hundred thousand.
pub(super) const MAX_PULSES: usize = 1 << 21;
/// Masks and unions between a pulse series and the pulses themselves.
pub(super) const MAX_MASK_CHAIN: usize = 16;
/// Series that a union stands for, and their own series, counted as often as they are used.
pub(super) const MAX_SERIES: usize = 64;
/// Instructions in a pickle; real ones have a few hundred.
pub(super) const MAX_PICKLE_OPS: usize = 1 << 18;
/// Values in a pickle after shared ones were copied out.
pub(super) const MAX_PICKLE_VALUES: usize = 1 << 18;
/// Containers inside containers in a pickle.
pub(super) const MAX_PICKLE_DEPTH: usize = 64;
/// Times beyond this (nanoseconds, a quarter of an hour) belong to no event; window ends are cut to it.
pub(super) const MAX_TIME_NS: f64 = 1e12;
/// Characters of an error line.
pub(super) const MAX_ERROR_CHARS: usize = 600;
/// Dates beyond this are none: ten thousand years before and after the epoch.
pub(super) const MAX_MJD: f64 = 4e6;
/// Charges beyond this are no light: a DOM saturates at some ten thousand photoelectrons.
pub(super) const MAX_CHARGE_PE: f32 = 1e9;

/// Whether the numbers of a pulse can be those of one.
pub(super) fn is_sensible(pulse: &Pulse) -> bool {
    pulse.time_ns.abs() <= MAX_TIME_NS
        && pulse.charge_pe.abs() <= MAX_CHARGE_PE
        && pulse.width_ns.is_finite()
}
