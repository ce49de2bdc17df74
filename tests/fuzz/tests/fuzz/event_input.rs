//! Valid events, made by the code that the tests of the readers have.
#![expect(dead_code, reason = "those tests use all of it")]
#![expect(clippy::unwrap_used, reason = "that code is of tests")]

#[path = "../../../science/event_input/packing.rs"]
pub(crate) mod packing;
#[path = "../../../science/event_input/sample.rs"]
pub(crate) mod sample;
#[path = "../../../science/event_input/writer.rs"]
pub(crate) mod writer;
