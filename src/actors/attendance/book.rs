//! What is written down of those who come and go, and what is said of it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use skyscan_transport::{DownCause, LinkId, ScanId, WorkerId};
use tokio::time::Instant;

use super::table::{HubRow, ScanRow, Table, short};
use crate::event::names::clean;
use crate::protocol::{Hello, Message as _, Welcome};

/// So many that come or go are told one by one within a span; of the others there is a sum at its end.
const MOST_TOLD: u32 = 20;
const SPAN: Duration = Duration::from_secs(10);
/// Workers and scans that are known again when they come back.
const MOST_KNOWN: usize = 10_000;
/// Recos that a line names, and characters of each.
const MOST_RECOS: usize = 4;
const LONGEST_NAME: usize = 80;

/// Says a line.
pub type Say = Box<dyn Fn(&str) + Send + Sync>;

/// Who comes and goes.
pub struct Book {
    role: &'static str,
    say: Say,
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    links: HashMap<LinkId, LinkEntry>,
    scans: HashMap<ScanId, ScanEntry>,
    known: HashSet<WorkerId>,
    /// When the running span began, and how many were told in it.
    span: Option<(Instant, u32)>,
    /// Came and left, untold.
    untold: (u32, u32),
}

#[derive(Debug)]
struct LinkEntry {
    worker: WorkerId,
    hello: Option<Hello>,
    since: Instant,
    n_tasks: u64,
    last: Option<Instant>,
}

#[derive(Debug)]
struct ScanEntry {
    reco: String,
    /// Links of this process that know it.
    n_links: usize,
    since: Instant,
    n_tasks: u64,
    last: Option<Instant>,
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl Book {
    /// An empty one for a process that plays this role.
    pub fn new(role: &'static str, say: Say) -> Arc<Self> {
        Arc::new(Self {
            role,
            say,
            pages: Mutex::default(),
        })
    }

    /// Who is there now.
    pub fn table(&self) -> Table {
        let pages = self.pages();
        let seconds = |at: Instant| at.elapsed().as_secs_f64();
        let mut links: Vec<(Instant, HubRow)> = (pages.links.iter())
            .map(|(link, entry)| {
                let hello = entry.hello.clone().unwrap_or_else(unknown);
                let row = HubRow {
                    worker: entry.worker.to_string(),
                    link: format!("{:x}", link.0),
                    slots: hello.slots,
                    recos: hello
                        .recos
                        .iter()
                        .map(|reco| clean(reco, LONGEST_NAME))
                        .collect(),
                    build: clean(&hello.build, LONGEST_NAME),
                    connected_s: seconds(entry.since),
                    tasks: entry.n_tasks,
                    last_task_s: entry.last.map(seconds),
                };
                (entry.since, row)
            })
            .collect();
        links.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.worker.cmp(&b.1.worker)));
        let mut scans: Vec<(Instant, ScanRow)> = (pages.scans.iter())
            .map(|(scan, entry)| {
                let row = ScanRow {
                    scan: format!("{:016x}", scan.0),
                    reco: clean(&entry.reco, LONGEST_NAME),
                    connected_s: seconds(entry.since),
                    tasks: entry.n_tasks,
                    last_task_s: entry.last.map(seconds),
                };
                (entry.since, row)
            })
            .collect();
        scans.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.scan.cmp(&b.1.scan)));
        let rows = links.into_iter().map(|(_, row)| row).collect();
        Table::new(
            self.role,
            rows,
            scans.into_iter().map(|(_, row)| row).collect(),
        )
    }

    pub(super) fn link_up(self: &Arc<Self>, link: LinkId, worker: WorkerId, hello: &[u8]) {
        let hello = Hello::decode(hello).ok();
        let offer = offer(hello.as_ref());
        let mut pages = self.pages();
        // A relay's own link stands for no worker.
        let is_relay = hello.as_ref().is_some_and(|hello| hello.recos.is_empty());
        let before = pages.links.get(&link);
        // It comes to each hub of the place.
        let entry = LinkEntry {
            worker,
            hello,
            since: before.map_or_else(Instant::now, |before| before.since),
            n_tasks: before.map_or(0, |before| before.n_tasks),
            last: before.and_then(|before| before.last),
        };
        let was_there = pages.links.insert(link, entry).is_some();
        let is_new = pages.known.len() >= MOST_KNOWN || pages.known.insert(worker);
        if was_there || is_relay {
            return;
        }
        let verb = if is_new { "came" } else { "is connected again" };
        let line = format!("worker {} {verb}: {offer}; {}", name(worker), pages.sum());
        self.tell(pages, true, line);
    }

    pub(super) fn link_down(self: &Arc<Self>, link: LinkId, cause: DownCause) {
        let mut pages = self.pages();
        let Some(entry) = pages.links.remove(&link) else {
            return;
        };
        if entry.hello.is_some_and(|hello| hello.recos.is_empty()) {
            return;
        }
        let why = match cause {
            DownCause::Closed => "said goodbye",
            DownCause::Lost => {
                "was lost: killed, or its machine or network went; its tasks go to others"
            }
        };
        let line = format!("worker {} {why}; {}", name(entry.worker), pages.sum());
        self.tell(pages, false, line);
    }

    pub(super) fn settled(&self, link: LinkId) {
        if let Some(entry) = self.pages().links.get_mut(&link) {
            entry.n_tasks += 1;
            entry.last = Some(Instant::now());
        }
    }

    pub(super) fn scan_up(&self, scan: ScanId, welcome: &[u8]) {
        let mut pages = self.pages();
        if let Some(entry) = pages.scans.get_mut(&scan) {
            entry.n_links += 1;
            return;
        }
        let welcome = Welcome::decode(welcome);
        if welcome.as_ref().is_ok_and(|welcome| !welcome.is_of_scan()) {
            return;
        }
        let entry = ScanEntry {
            reco: welcome.map_or_else(|_| "?".to_owned(), |welcome| welcome.reco),
            n_links: 1,
            since: Instant::now(),
            n_tasks: 0,
            last: None,
        };
        pages.scans.insert(scan, entry);
    }

    pub(super) fn scan_down(&self, scan: ScanId) {
        let mut pages = self.pages();
        if let Some(entry) = pages.scans.get_mut(&scan) {
            entry.n_links -= 1;
            if entry.n_links == 0 {
                pages.scans.remove(&scan);
            }
        }
    }

    pub(super) fn leased(&self, scan: ScanId) {
        if let Some(entry) = self.pages().scans.get_mut(&scan) {
            entry.n_tasks += 1;
            entry.last = Some(Instant::now());
        }
    }

    /// Whoever panicked meanwhile left at worst an entry too many.
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says the line, or, where too many come and go, a sum later.
    fn tell(self: &Arc<Self>, mut pages: MutexGuard<'_, Pages>, came: bool, line: String) {
        let now = Instant::now();
        let (began, n_told) = match pages.span {
            Some((began, n_told)) if now < began + SPAN => (began, n_told),
            _ => (now, 0),
        };
        pages.span = Some((began, n_told + 1));
        if n_told < MOST_TOLD {
            drop(pages);
            return (self.say)(&line);
        }
        let is_first = pages.untold == (0, 0);
        match came {
            true => pages.untold.0 += 1,
            false => pages.untold.1 += 1,
        }
        drop(pages);
        if is_first {
            let book = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep_until(began + SPAN).await;
                book.tell_sum();
            });
        }
    }

    fn tell_sum(&self) {
        let mut pages = self.pages();
        let (n_came, n_left) = std::mem::take(&mut pages.untold);
        let line = format!(
            "{n_came} more workers came and {n_left} left; {}",
            pages.sum()
        );
        drop(pages);
        (self.say)(&line);
    }
}

impl Pages {
    /// `3 workers, 24 slots now`
    fn sum(&self) -> String {
        let slots = |entry: &LinkEntry| {
            entry
                .hello
                .as_ref()
                .map_or(1, |hello| u64::from(hello.slots))
        };
        let workers = (self.links.values()).filter(|entry| slots(entry) > 0);
        let (n_workers, n_slots) =
            workers.fold((0, 0), |(n, sum), entry| (n + 1, sum + slots(entry)));
        format!(
            "{} and {} now",
            counted(n_workers, "worker"),
            counted(n_slots, "slot")
        )
    }
}

fn counted(n: u64, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

fn name(worker: WorkerId) -> String {
    short(&worker.to_string()).to_owned()
}

/// What is known of a worker that cannot be understood.
fn unknown() -> Hello {
    Hello {
        slots: 1,
        recos: Vec::new(),
        build: String::new(),
    }
}

fn offer(hello: Option<&Hello>) -> String {
    let Some(hello) = hello else {
        return "what it offers is not understood".to_owned();
    };
    let mut recos: Vec<String> = hello
        .recos
        .iter()
        .map(|reco| clean(reco, LONGEST_NAME))
        .collect();
    if recos.len() > MOST_RECOS {
        let n_more = recos.len() - MOST_RECOS;
        recos.truncate(MOST_RECOS);
        recos.push(format!("{n_more} more"));
    }
    format!(
        "{} for {}",
        counted(u64::from(hello.slots), "slot"),
        recos.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    fn book() -> (Arc<Book>, Receiver<String>) {
        let (said, heard) = channel();
        let say = move |line: &str| said.send(line.to_owned()).unwrap();
        (Book::new("scan", Box::new(say)), heard)
    }

    fn up(book: &Arc<Book>, n: u8, slots: u16) {
        let hello = Hello {
            slots,
            recos: vec!["pandel-mpe".to_owned()],
            build: "1".to_owned(),
        };
        book.link_up(LinkId(n.into()), WorkerId([n; 16]), &hello.encode());
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_leaves_and_comes_again_is_told_once_each() {
        let (book, heard) = book();
        up(&book, 1, 8);
        up(&book, 2, 1);
        book.settled(LinkId(2));
        book.link_down(LinkId(1), DownCause::Lost);
        up(&book, 1, 8);
        up(&book, 1, 8);
        book.link_down(LinkId(2), DownCause::Closed);
        book.link_down(LinkId(2), DownCause::Closed);
        let told: Vec<String> = heard.try_iter().collect();
        assert_eq!(
            told,
            [
                "worker 01010101 came: 8 slots for pandel-mpe; 1 worker and 8 slots now",
                "worker 02020202 came: 1 slot for pandel-mpe; 2 workers and 9 slots now",
                "worker 01010101 was lost: killed, or its machine or network went; its tasks go to \
                 others; 1 worker and 1 slot now",
                "worker 01010101 is connected again: 8 slots for pandel-mpe; 2 workers and 9 slots now",
                "worker 02020202 said goodbye; 1 worker and 8 slots now",
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_crowd_there_is_a_sum() {
        let (book, heard) = book();
        (0..200).for_each(|n| up(&book, n, 2));
        assert_eq!(heard.try_iter().count(), MOST_TOLD as usize);
        tokio::time::sleep(2 * SPAN).await;
        let told: Vec<String> = heard.try_iter().collect();
        assert_eq!(
            told,
            ["180 more workers came and 0 left; 200 workers and 400 slots now"]
        );
        up(&book, 201, 2);
        assert_eq!(heard.try_iter().count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_has_everyone_with_what_they_did() {
        let (book, _heard) = book();
        assert_eq!(book.table().to_string(), "scan: nobody is connected");
        up(&book, 1, 8);
        tokio::time::advance(Duration::from_secs(5)).await;
        book.settled(LinkId(1));
        let welcome = Welcome {
            reco: "other".to_owned(),
            payload: [0; 32],
        };
        book.scan_up(ScanId(0xab << 56), &welcome.encode());
        book.leased(ScanId(0xab << 56));
        let table = book.table();
        assert_eq!(
            (table.links[0].tasks, table.links[0].last_task_s),
            (1, Some(0.0))
        );
        let text = table.to_string();
        assert!(
            text.contains("01010101      8           5         1           0  pandel-mpe"),
            "{text}"
        );
        assert!(
            text.contains("ab000000           0         1           0  other"),
            "{text}"
        );
        let json = serde_json::to_value(&table).unwrap();
        assert_eq!(
            (json["skyscan_links"].as_u64(), json["role"].as_str()),
            (Some(1), Some("scan"))
        );
        book.scan_down(ScanId(0xab << 56));
        assert_eq!(book.table().scans, []);
    }
}
