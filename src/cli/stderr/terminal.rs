//! Bars are drawn by way of the queue: a terminal that is held (Ctrl-S) or gone stops no scan.

use std::io::{self, IsTerminal};
use std::sync::Mutex;

use console::Term;
use indicatif::TermLike;

/// Whether stderr is a terminal that can move its cursor; a dumb one is written on like a file.
pub(in crate::cli) fn is_drawn_on() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    io::stderr().is_terminal() && !is_dumb
}

/// Whether logs are coloured: on such a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
pub(in crate::cli) fn is_coloured() -> bool {
    is_drawn_on() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}

/// Columns for an answer on stdout: those of a terminal that is narrow, or as many as the usual one has.
pub(in crate::cli) fn columns() -> usize {
    const USUAL: usize = 80;
    const NARROWEST: usize = 40;
    match io::stdout().is_terminal() {
        true => usize::from(Term::stdout().size().1).clamp(NARROWEST, USUAL),
        false => USUAL,
    }
}

/// The terminal behind stderr. A drawing waits here until it is whole.
#[derive(Debug)]
pub(in crate::cli) struct Terminal {
    size_of: Term,
    drawing: Mutex<String>,
}

impl Default for Terminal {
    fn default() -> Self {
        Self {
            size_of: Term::stderr(),
            drawing: Mutex::default(),
        }
    }
}

impl Terminal {
    fn draw(&self, strokes: &str) -> io::Result<()> {
        // Whoever panicked in between left a drawing that is at worst half.
        let mut drawing = self.drawing.lock().unwrap_or_else(|held| held.into_inner());
        drawing.push_str(strokes);
        Ok(())
    }

    /// Moves the cursor, where to by a letter of ECMA-48.
    fn step(&self, n: usize, letter: char) -> io::Result<()> {
        match n {
            0 => Ok(()),
            n => self.draw(&format!("\x1b[{n}{letter}")),
        }
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        self.size_of.size().1
    }

    fn height(&self) -> u16 {
        self.size_of.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.step(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.step(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.step(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.step(n, 'D')
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.draw(&format!("{line}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let drawing =
            std::mem::take(&mut *self.drawing.lock().unwrap_or_else(|held| held.into_inner()));
        if !drawing.is_empty() {
            super::put(drawing.into_bytes());
        }
        Ok(())
    }
}
