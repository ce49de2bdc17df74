//! Which numbers have been here: of the last ones each, of all before them that they are too old.

use std::fmt;

/// So far behind the highest number one may be that was not here yet. No more than the numbers of a key, so that two
/// keys are enough.
pub(crate) const WINDOW: u64 = 2048;
const WORDS: usize = (WINDOW / 64) as usize;

/// Which of the last numbers have been here.
pub(crate) struct Window {
    /// All from here on are new.
    end: u64,
    /// All below are not taken any more.
    floor: u64,
    /// A bit for each number below `end`, at its remainder.
    seen: [u64; WORDS],
}

impl Window {
    pub(crate) fn from(first: u64) -> Self {
        Self {
            end: first,
            floor: first,
            seen: [0; WORDS],
        }
    }

    fn place(number: u64) -> (usize, u64) {
        let at = number % WINDOW;
        ((at / 64) as usize, 1 << (at % 64))
    }

    pub(crate) fn is_new(&self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        let is_old = number < self.floor || number.saturating_add(WINDOW) < self.end;
        number >= self.end || (!is_old && self.seen[word] & bit == 0)
    }

    pub(crate) fn take(&mut self, number: u64) {
        if number >= self.end {
            // What leaves the window makes room.
            for cleared in (self.end..=number).rev().take(WINDOW as usize) {
                let (word, bit) = Self::place(cleared);
                self.seen[word] &= !bit;
            }
            self.end = number + 1;
        }
        let (word, bit) = Self::place(number);
        self.seen[word] |= bit;
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Window({}..{})", self.floor, self.end)
    }
}
