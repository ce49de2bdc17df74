//! The values of a pickle written out as JSON, shared ones once for each place they are used in.

use serde_json::Value as Json;

use super::machine::{Id, Value};
use super::refused;
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_PICKLE_DEPTH, MAX_PICKLE_VALUES};
use crate::read_error::Cause;

/// Writes out the value at `top`.
pub(super) fn convert(values: &[Value<'_>], top: Id) -> Result<Json, Cause> {
    Budget {
        values: MAX_PICKLE_VALUES,
        bytes: MAX_DOCUMENT_BYTES as usize,
    }
    .json(values, top, 0)
}

/// What may still be written: a few values that refer to each other can stand for more than any
/// memory holds, or for something endless.
struct Budget {
    values: usize,
    bytes: usize,
}

impl Budget {
    fn json(&mut self, values: &[Value<'_>], id: Id, depth: usize) -> Result<Json, Cause> {
        if depth > MAX_PICKLE_DEPTH {
            return Err(refused(format!(
                "is nested more than {MAX_PICKLE_DEPTH} deep"
            )));
        }
        spend(&mut self.values, 1)?;
        Ok(match &values[id] {
            Value::Empty => Json::Null,
            Value::Bool(value) => Json::from(*value),
            Value::Int(value) => Json::from(*value),
            Value::Float(value) => Json::from(*value),
            Value::Text(_) | Value::Bytes(_) => Json::String(self.text(&values[id])?),
            Value::List(items) | Value::Tuple(items) => {
                let items = items.iter().map(|item| self.json(values, *item, depth + 1));
                Json::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Dict(pairs) => {
                let mut object = serde_json::Map::new();
                for (key, value) in pairs {
                    let key = self.text(&values[*key])?;
                    object.insert(key, self.json(values, *value, depth + 1)?);
                }
                Json::Object(object)
            }
            Value::FrameClass | Value::Encode | Value::Frame(_) => {
                return Err(refused("holds an object where plain values belong"));
            }
        })
    }

    /// Text, which Python 2 wrote as bytes.
    fn text(&mut self, value: &Value<'_>) -> Result<String, Cause> {
        let text = match value {
            Value::Text(text) => text,
            Value::Bytes(bytes) => {
                std::str::from_utf8(bytes).map_err(|_| refused("has text that is not UTF-8"))?
            }
            _ => return Err(refused("has a key that is not text")),
        };
        spend(&mut self.bytes, text.len())?;
        Ok(text.to_owned())
    }
}

fn spend(left: &mut usize, cost: usize) -> Result<(), Cause> {
    *left = left
        .checked_sub(cost)
        .ok_or_else(|| refused("stands for too many values"))?;
    Ok(())
}
