//! What a program is told of the lines that it brought.

use std::io::{self, Write};
use std::process::ChildStdin;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serde_json::{Value, json};

use crate::doors::Submitted;

/// Characters of a reason. Escaped they are six times as many bytes at most: an answer is shorter than the 4096 bytes
/// that a pipe takes whole or not at all.
const MOST_REASON: usize = 600;

/// Answers, for a program that may or may not read them: what its pipe does not hold is lost.
#[derive(Debug)]
pub(super) struct Answers {
    is_read: bool,
}

impl Answers {
    pub(super) fn new(stdin: Option<&ChildStdin>) -> io::Result<Self> {
        if let Some(stdin) = stdin {
            // Of this end; the program's reads wait as ever.
            fcntl(stdin, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(Self { is_read: true })
    }

    pub(super) fn taken(
        &mut self,
        stdin: &mut Option<ChildStdin>,
        line: u64,
        submitted: &Submitted,
    ) {
        let scan = &submitted.scan.id;
        let answer = json!({"line": line, "scan": scan, "is_new": submitted.is_new});
        self.write(stdin, &answer);
    }

    pub(super) fn refused(&mut self, stdin: &mut Option<ChildStdin>, line: u64, why: &str) {
        let why: String = why.chars().take(MOST_REASON).collect();
        self.write(stdin, &json!({"line": line, "refused": why}));
    }

    fn write(&mut self, stdin: &mut Option<ChildStdin>, answer: &Value) {
        let text = format!("{answer}\n");
        let written = stdin.as_mut().map(|stdin| stdin.write(text.as_bytes()));
        let is_read = matches!(written, Some(Ok(_)));
        if self.is_read && !is_read {
            tracing::debug!("a program that brings alerts does not read its answers");
        }
        self.is_read = is_read;
    }
}
