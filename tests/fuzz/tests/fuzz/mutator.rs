//! Makes inputs that nobody would write out of those that somebody did; the same ones for the same seed.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// An input grows no longer than this.
const MOST_BYTES: usize = 1 << 20;
/// Damages to one input, at most.
const MOST_DAMAGES: u32 = 8;

/// Numbers at the edges of types, and of what is sensible.
const EDGES: [u64; 16] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    i64::MAX as u64,
    u64::MAX,
];

/// What texts break at.
const WORDS: [&[u8]; 18] = [
    b"NaN",
    b"-1",
    b"1e308",
    b"-0.0",
    b"18446744073709551616",
    b"null",
    b"{}",
    b"[[[[[[[[",
    b"\"",
    b"\\u0000",
    b"\xff\xfe",
    b"\n\n",
    b"Infinity",
    b"..",
    b"%s",
    b"''",
    b"]]]]",
    b"1e-400",
];

/// Damages valid inputs.
pub(crate) struct Mutator<'a> {
    random: ChaCha8Rng,
    valid: &'a [Vec<u8>],
}

impl<'a> Mutator<'a> {
    pub(crate) fn new(seed: u64, valid: &'a [Vec<u8>]) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            valid,
        }
    }

    /// The next input.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut input = self.one().to_vec();
        for _ in 0..self.random.random_range(1..=MOST_DAMAGES) {
            self.damage(&mut input);
        }
        input.truncate(MOST_BYTES);
        input
    }

    fn one(&mut self) -> &'a [u8] {
        match self.valid.len() {
            0 => &[],
            n => &self.valid[self.random.random_range(0..n)],
        }
    }

    fn damage(&mut self, input: &mut Vec<u8>) {
        if input.is_empty() {
            let n = self.random.random_range(1..64);
            input.resize_with(n, || self.random.random());
            return;
        }
        let at = self.random.random_range(0..input.len());
        let some = self.random.random_range(1..=(input.len() - at).min(64));
        match self.random.random_range(0..10) {
            0 => input[at] ^= 1 << self.random.random_range(0..8),
            1 => input[at] = self.random.random(),
            2 => self.write_edge(input, at),
            3 => drop(input.drain(at..at + some)),
            4 => input.truncate(at),
            5 => {
                let piece = input[at..at + some].to_vec();
                let times = self.random.random_range(1..32);
                let to = self.random.random_range(0..=input.len());
                drop(input.splice(to..to, piece.repeat(times)));
            }
            6 => {
                let word = WORDS[self.random.random_range(0..WORDS.len())];
                drop(input.splice(at..at + some.min(8), word.iter().copied()));
            }
            7 => {
                let other = self.one();
                if !other.is_empty() {
                    let from = self.random.random_range(0..other.len());
                    let n = self.random.random_range(1..=(other.len() - from).min(4096));
                    drop(input.splice(at..at + some, other[from..from + n].iter().copied()));
                }
            }
            8 => self.write_digits(input, at),
            _ => self.random.fill_bytes(&mut input[at..at + some]),
        }
    }

    /// A number at an edge, of any size and either order of bytes.
    fn write_edge(&mut self, input: &mut [u8], at: usize) {
        let edge = EDGES[self.random.random_range(0..EDGES.len())];
        let size = 1 << self.random.random_range(0..4);
        let mut bytes = edge.to_le_bytes()[..size].to_vec();
        if self.random.random() {
            bytes.reverse();
        }
        for (to, byte) in input[at..].iter_mut().zip(bytes) {
            *to = byte;
        }
    }

    /// Another number in the place of one that is written out, from there on.
    fn write_digits(&mut self, input: &mut Vec<u8>, at: usize) {
        let Some(begin) = input[at..].iter().position(u8::is_ascii_digit) else {
            return;
        };
        let begin = at + begin;
        let n = input[begin..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let edge = EDGES[self.random.random_range(0..EDGES.len())].to_string();
        drop(input.splice(begin..begin + n, edge.bytes()));
    }
}
