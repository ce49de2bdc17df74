//! The stack machine behind pickles, with the instructions that alerts use and no other.
//!
//! Values live in one list and refer to each other by index, so a value that refers to itself or
//! is referred to a million times costs nothing here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::refused;
use crate::limits::{MAX_ALERT_FRAME_BYTES, MAX_PICKLE_OPS};
use crate::read_error::Cause;

/// Which global names may occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    None,
    Frame,
}

/// Index of a value.
pub(super) type Id = usize;

/// A value of the pickle.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Empty,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Bytes(Cow<'a, [u8]>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// The class of frames.
    FrameClass,
    /// The function that turns text to bytes.
    Encode,
    /// A frame, and its bytes once they came.
    Frame(Option<Id>),
}

pub(super) struct Machine<'a> {
    left: Cursor<'a>,
    names: Names,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: BTreeMap<u64, Id>,
    encoded_bytes: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(pickle: &'a [u8], names: Names) -> Self {
        Self {
            left: Cursor::new(pickle),
            names,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: BTreeMap::new(),
            encoded_bytes: 0,
        }
    }

    /// Runs to the end and returns all values with the index of the result.
    pub(super) fn run(mut self) -> Result<(Vec<Value<'a>>, Id), Cause> {
        for _ in 0..MAX_PICKLE_OPS {
            let op = self.left.u8()?;
            if op == b'.' {
                let top = self.pop()?;
                if !self.left.is_empty() || !self.stack.is_empty() || !self.marks.is_empty() {
                    return Err(refused("goes on after its end"));
                }
                return Ok((self.values, top));
            }
            self.step(op)?;
        }
        Err(refused(format!(
            "has more than {MAX_PICKLE_OPS} instructions"
        )))
    }

    fn step(&mut self, op: u8) -> Result<(), Cause> {
        match op {
            0x80 => match self.left.u8()? {
                2..=5 => {}
                other => return Err(refused(format!("protocol {other} is not read"))),
            },
            // FRAME: a hint on how much to read at once.
            0x95 => {
                self.left.number(8)?;
            }
            b'N' => self.push(Value::Empty),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'J' => {
                let bytes = self.left.array()?;
                self.push(Value::Int(i32::from_le_bytes(bytes).into()));
            }
            b'K' => self.push_int(1)?,
            b'M' => self.push_int(2)?,
            0x8a => self.long()?,
            b'G' => {
                let bytes = self.left.array()?;
                self.push(Value::Float(f64::from_be_bytes(bytes)));
            }
            b'X' => self.text(4)?,
            0x8c => self.text(1)?,
            0x8d => self.text(8)?,
            b'T' | b'B' => self.raw(4)?,
            b'U' | b'C' => self.raw(1)?,
            0x8e => self.raw(8)?,
            b'}' => self.push(Value::Dict(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b'(' => self.marks.push(self.stack.len()),
            b't' => {
                let items = self.marked()?;
                self.push(Value::Tuple(items));
            }
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(op - 0x84))?;
                self.push(Value::Tuple(items));
            }
            b'a' => {
                let items = self.pop_many(1)?;
                self.extend_list(items)?;
            }
            b'e' => {
                let items = self.marked()?;
                self.extend_list(items)?;
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.extend_dict(&items)?;
            }
            b'u' => {
                let items = self.marked()?;
                self.extend_dict(&items)?;
            }
            b'q' => self.remember(1)?,
            b'r' => self.remember(4)?,
            0x94 => {
                let top = self.top()?;
                self.memo.insert(self.memo.len() as u64, top);
            }
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'c' => {
                let (module, name) = (self.left.line()?, self.left.line()?);
                self.global(module, name)?;
            }
            0x93 => {
                let names = self.pop_many(2)?;
                match (&self.values[names[0]], &self.values[names[1]]) {
                    (&Value::Text(module), &Value::Text(name)) => self.global(module, name)?,
                    _ => return Err(refused("names something that is not text")),
                }
            }
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            other => return Err(refused(format!("instruction 0x{other:02x} is not allowed"))),
        }
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), Cause> {
        let value = match (self.names, module, name) {
            (Names::Frame, "icecube.icetray" | "icecube._icetray", "I3Frame") => Value::FrameClass,
            (Names::Frame, "_codecs", "encode") => Value::Encode,
            _ => {
                return Err(refused(format!(
                    "name {module:.40}.{name:.40} is not allowed"
                )));
            }
        };
        self.push(value);
        Ok(())
    }

    /// A call in Python; here it makes an empty frame, or turns Latin-1 text back to its bytes.
    fn reduce(&mut self) -> Result<(), Cause> {
        let pair = self.pop_many(2)?;
        let Value::Tuple(arguments) = &self.values[pair[1]] else {
            return Err(refused("calls without a list of arguments"));
        };
        let made = match (&self.values[pair[0]], arguments.as_slice()) {
            (Value::FrameClass, []) => Value::Frame(None),
            (Value::Encode, &[text, codec]) => match (&self.values[text], &self.values[codec]) {
                (&Value::Text(text), &Value::Text("latin1" | "latin-1")) => {
                    let bytes: Option<Vec<u8>> = text
                        .chars()
                        .map(|c| u8::try_from(u32::from(c)).ok())
                        .collect();
                    let bytes = bytes.ok_or_else(|| refused("has text beyond Latin-1"))?;
                    self.encoded_bytes += bytes.len();
                    if self.encoded_bytes as u64 > MAX_ALERT_FRAME_BYTES {
                        return Err(refused("encodes too much text"));
                    }
                    Value::Bytes(bytes.into())
                }
                _ => return Err(refused("encodes something other than Latin-1 text")),
            },
            _ => return Err(refused("calls something that is not allowed")),
        };
        self.push(made);
        Ok(())
    }

    /// Gives a frame its state: the object's own dictionary, which holds nothing, and the bytes.
    fn build(&mut self) -> Result<(), Cause> {
        let state = self.pop()?;
        let frame = self.top()?;
        let bytes = match &self.values[state] {
            Value::Tuple(state) if state.len() == 2 => state[1],
            _ => return Err(refused("the state of the frame is not a pair")),
        };
        match &mut self.values[frame] {
            Value::Frame(state @ None) => *state = Some(bytes),
            _ => {
                return Err(refused(
                    "gives a state to something that is not a new frame",
                ));
            }
        }
        Ok(())
    }

    fn extend_list(&mut self, items: Vec<Id>) -> Result<(), Cause> {
        let top = self.top()?;
        match &mut self.values[top] {
            Value::List(list) => list.extend(items),
            _ => return Err(refused("appends to something that is not a list")),
        }
        Ok(())
    }

    fn extend_dict(&mut self, items: &[Id]) -> Result<(), Cause> {
        let top = self.top()?;
        match &mut self.values[top] {
            Value::Dict(dict) if items.len().is_multiple_of(2) => {
                dict.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            }
            _ => return Err(refused("sets items of something that is not a dictionary")),
        }
        Ok(())
    }

    fn remember(&mut self, size: usize) -> Result<(), Cause> {
        let (slot, top) = (self.left.number(size)?, self.top()?);
        self.memo.insert(slot, top);
        Ok(())
    }

    fn recall(&mut self, size: usize) -> Result<(), Cause> {
        let slot = self.left.number(size)?;
        let value = self
            .memo
            .get(&slot)
            .ok_or_else(|| refused("recalls what it never kept"))?;
        self.stack.push(*value);
        Ok(())
    }

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn push_int(&mut self, size: usize) -> Result<(), Cause> {
        let number = self.left.number(size)?;
        self.push(Value::Int(number as i64));
        Ok(())
    }

    fn long(&mut self) -> Result<(), Cause> {
        let size = usize::from(self.left.u8()?);
        let bytes = self.left.bytes(size as u64)?;
        if size > 8 {
            return Err(refused("has a number of more than 8 bytes"));
        }
        let fill = bytes
            .last()
            .map_or(0, |last| if last & 0x80 == 0 { 0 } else { 0xff });
        let mut wide = [fill; 8];
        wide[..size].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(wide)));
        Ok(())
    }

    fn text(&mut self, size: usize) -> Result<(), Cause> {
        let length = self.left.number(size)?;
        let text = std::str::from_utf8(self.left.bytes(length)?);
        self.push(Value::Text(
            text.map_err(|_| refused("has text that is not UTF-8"))?,
        ));
        Ok(())
    }

    fn raw(&mut self, size: usize) -> Result<(), Cause> {
        let length = self.left.number(size)?;
        let bytes = self.left.bytes(length)?;
        self.push(Value::Bytes(bytes.into()));
        Ok(())
    }

    fn marked(&mut self) -> Result<Vec<Id>, Cause> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => Err(refused("ends a list that it never began")),
        }
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, Cause> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(rest) if rest >= floor => Ok(self.stack.split_off(rest)),
            _ => Err(refused("takes more than there is")),
        }
    }

    fn pop(&mut self) -> Result<Id, Cause> {
        Ok(self.pop_many(1)?[0])
    }

    fn top(&self) -> Result<Id, Cause> {
        self.stack
            .last()
            .copied()
            .ok_or_else(|| refused("takes more than there is"))
    }
}
