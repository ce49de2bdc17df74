//! How much of an input is believed: every bound that keeps a hostile or broken file from costing
//! more than a few hundred megabytes. Each is far above anything seen in real files.

/// A JSON or pickle document as a whole; real alerts are half a megabyte.
pub(super) const MAX_DOCUMENT_BYTES: u64 = 64 << 20;
/// What a compressed file may unfold to; a day of filtered data is a few gigabytes.
pub(super) const MAX_UNPACKED_BYTES: u64 = 16 << 30;
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
/// Masks between a pulse series and the pulses themselves.
pub(super) const MAX_MASK_CHAIN: usize = 16;
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
