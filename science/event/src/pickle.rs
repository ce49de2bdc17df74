//! Python pickles, read by a whitelist: nothing in a pickle is ever called.
//!
//! Two kinds exist. A frame inside an alert is one `I3Frame` with its bytes as state, wrapped in
//! `_codecs.encode` by Python 3; those two names are compared, not looked up. A whole alert may be
//! a pickle of the dictionary that is otherwise JSON; no name at all is accepted there.

mod cursor;
mod machine;
mod plain;

use super::read_error::Cause;
use machine::{Machine, Names, Value};

/// The bytes of the frame in a pickled `I3Frame`.
pub(super) fn frame_bytes(pickle: &[u8]) -> Result<Vec<u8>, Cause> {
    let (values, top) = Machine::new(pickle, Names::Frame).run()?;
    match &values[top] {
        Value::Frame(Some(bytes)) => match &values[*bytes] {
            Value::Bytes(bytes) => Ok(bytes.to_vec()),
            _ => Err(refused("the state of the frame is not made of bytes")),
        },
        _ => Err(refused("does not hold an I3Frame")),
    }
}

/// The dictionary of a pickled alert as the JSON that it stands for.
pub(super) fn dictionary(pickle: &[u8]) -> Result<serde_json::Value, Cause> {
    let (values, top) = Machine::new(pickle, Names::None).run()?;
    plain::convert(&values, top)
}

fn refused(message: impl Into<String>) -> Cause {
    Cause::Pickle(message.into())
}
