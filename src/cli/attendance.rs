//! Who is there: said as it happens, and all of it when somebody asks by SIGUSR1 or at `/links`.

use std::sync::Arc;

use super::interrupt::on_asked;
use super::stderr::told_lines;
use super::{Failure, tell};
use crate::actors::attendance::Book;
use crate::telemetry;

/// The book of a process that plays this role. Of those who come and go it says nothing if it `is_quiet`.
pub(super) fn book(role: &'static str, is_quiet: bool) -> Result<Arc<Book>, Failure> {
    let say = move |line: &str| {
        if !is_quiet {
            tell(line);
        }
    };
    let book = Book::new(role, Box::new(say));
    let asked = Arc::clone(&book);
    on_asked(move || told_lines(&asked.table().to_string()))?;
    let shown = Arc::clone(&book);
    telemetry::tell_links(Box::new(move || {
        // It has neither maps with odd keys nor numbers that JSON lacks.
        serde_json::to_string(&shown.table()).unwrap_or_default()
    }));
    Ok(book)
}
