//! What a Scanner holds of a journal: where it puts what it accepted, and how it hears what became of it.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, Thread};

use tokio::sync::{mpsc, oneshot};

use super::keeper::Keeper;
use super::note::{News, Note};
use super::shared::Shared;
use super::{Journal, JournalError};

/// A journal as a Scanner sees it: what is put in is durable a little later.
#[derive(Debug)]
pub struct Record {
    notes: Sender<Note>,
    shared: Arc<Shared>,
    keeper: Thread,
    news: Option<mpsc::UnboundedReceiver<News>>,
}

impl Record {
    /// Starts the thread that writes. `transport` is told in the journal.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(journal: Journal, transport: &str) -> std::io::Result<Self> {
        let (notes, to_write) = channel();
        let (tell, news) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let keeper = Keeper::new(journal, tell, Arc::clone(&shared), transport.to_owned());
        let handle = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || keeper.run(&to_write))?;
        Ok(Self {
            notes,
            shared,
            keeper: handle.thread().clone(),
            news: Some(news),
        })
    }

    /// What becomes of what was put in; to be taken once.
    pub fn news(&mut self) -> Option<mpsc::UnboundedReceiver<News>> {
        self.news.take()
    }

    /// Puts something in.
    pub fn put(&self, note: Note) {
        if let Note::Results(results) = &note {
            self.shared.put(results.n_rows());
        }
        // When the thread is gone, its last news tell why; the receipts come again.
        let _ = self.notes.send(note);
    }

    /// Whether nothing more is to be handed out for now.
    pub fn is_paused(&self) -> bool {
        self.shared.is_paused()
    }

    /// Ends it, once all that was put in is durable. Unless the plan was fulfilled, a disk that takes
    /// nothing is not waited for.
    pub async fn end(self, is_finished: bool, why: String) -> Result<(), Arc<JournalError>> {
        let (done, ended) = oneshot::channel();
        self.put(Note::End {
            is_finished,
            why,
            done,
        });
        if !is_finished {
            self.shared.give_up();
            self.keeper.unpark();
        }
        // A thread that is gone has told why before.
        ended.await.unwrap_or(Ok(()))
    }
}
