//! What a Scanner holds of a journal: where it puts what it accepted, and how it hears what became of it;
//! and the other end of that, for whoever keeps it.

use std::sync::Arc;
use std::thread;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::keeper::Keeper;
use super::note::{News, Note};
use super::shared::Shared;
use super::{Journal, JournalError};

/// A journal as a Scanner sees it: what is put in is durable a little later.
#[derive(Debug)]
pub struct Record {
    notes: UnboundedSender<Note>,
    shared: Arc<Shared>,
    news: Option<UnboundedReceiver<News>>,
}

/// What was put into a [`Record`], in its order, for whoever makes it durable: the thread that writes
/// the journal's file, or the model of one.
#[derive(Debug)]
pub struct Notes {
    put: UnboundedReceiver<Note>,
    tell: UnboundedSender<News>,
    shared: Arc<Shared>,
}

impl Record {
    /// Starts the thread that writes. `transport` is told in the journal.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(journal: Journal, transport: &str) -> std::io::Result<Self> {
        let (record, notes) = Self::open();
        let shared = Arc::clone(&record.shared);
        let keeper = Keeper::new(journal, transport.to_owned());
        let handle = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || keeper.run(notes))?;
        shared.sleeps(handle.thread().clone());
        Ok(record)
    }

    /// One that is kept by whoever takes the notes.
    pub fn open() -> (Self, Notes) {
        let (notes, put) = unbounded_channel();
        let (tell, news) = unbounded_channel();
        let shared = Arc::new(Shared::default());
        let record = Self {
            notes,
            shared: Arc::clone(&shared),
            news: Some(news),
        };
        (record, Notes { put, tell, shared })
    }

    /// What becomes of what was put in; to be taken once.
    pub fn news(&mut self) -> Option<UnboundedReceiver<News>> {
        self.news.take()
    }

    /// Puts something in.
    pub fn put(&self, note: Note) {
        if let Note::Results(results) = &note {
            self.shared.put(results.n_rows());
        }
        // When nobody keeps it any more, the last news tell why; the receipts come again.
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
        }
        // A keeper that is gone has told why before.
        ended.await.unwrap_or(Ok(()))
    }
}

impl Notes {
    /// The next one, which is waited for; `None` once the Scanner is gone.
    pub async fn next(&mut self) -> Option<Note> {
        self.put.recv().await
    }

    /// The same, for a thread of its own.
    pub(super) fn wait(&mut self) -> Option<Note> {
        self.put.blocking_recv()
    }

    /// The next one, if it has been put in.
    pub fn next_now(&mut self) -> Option<Note> {
        self.put.try_recv().ok()
    }

    /// So many rows are durable.
    pub fn written(&self, n_rows: usize) {
        if self.shared.written(n_rows) {
            self.tell(News::GoesOn);
        }
    }

    /// The disk takes nothing: nothing more is to be handed out.
    pub fn stuck(&self) {
        self.shared.stuck();
        self.tell(News::Paused);
    }

    /// Nothing is ever taken again.
    pub fn ended(&self, error: Arc<JournalError>) {
        self.tell(News::Ended(error));
    }

    /// Whether nobody waits any more for what could not be written.
    pub fn are_given_up(&self) -> bool {
        self.shared.gives_up()
    }

    fn tell(&self, news: News) {
        // A Scanner that is gone needs no news.
        let _ = self.tell.send(news);
    }
}
