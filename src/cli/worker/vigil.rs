//! What a worker says while scans come and go and while none does, and when it gives up.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use skyscan_transport::ScanId;
use tokio::time::Instant;

use crate::actors::worker::News;

/// It says that no scan has come after so long, and again after twice the time, more and more seldom.
const FIRST_WORD: Duration = Duration::from_secs(5);
const SELDOM: Duration = Duration::from_secs(3600);
/// Most different complaints that are told one by one.
const MOST_COMPLAINTS: usize = 100;

/// The vigil of a worker at one place.
#[derive(Clone, Debug)]
pub(super) struct Vigil {
    /// The place, as it may be shown.
    place: String,
    give_up: Option<Duration>,
    serves: HashMap<ScanId, String>,
    /// Hubs of no scan: whoever has them will have scans.
    stands: BTreeSet<ScanId>,
    /// Scans that it has served before.
    known: BTreeSet<ScanId>,
    complaints: BTreeSet<String>,
    /// Scans that are there and that it cannot serve.
    skips: BTreeSet<ScanId>,
    /// Whether it has met a scan that it can never serve, since it served one.
    has_skipped: bool,
    idle_since: Instant,
    next_word: Duration,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing yet.
    Nothing,
    /// Say that no scan has come for so long.
    Say(Duration),
    /// Leave: no scan has come for so long.
    GiveUp(Duration),
}

impl Vigil {
    pub(super) fn new(place: String, give_up: Option<Duration>) -> Self {
        Self {
            place,
            give_up,
            serves: HashMap::new(),
            stands: BTreeSet::new(),
            known: BTreeSet::new(),
            complaints: BTreeSet::new(),
            skips: BTreeSet::new(),
            has_skipped: false,
            idle_since: Instant::now(),
            next_word: FIRST_WORD,
        }
    }

    /// Takes news in; returns what to say of it.
    pub(super) fn hear(&mut self, news: News) -> Option<String> {
        match news {
            News::Serves { scan, reco } => {
                let again = match self.known.insert(scan) {
                    true => "serves",
                    false => "is connected again and serves",
                };
                let line = format!("worker: {again} scan {} ({reco})", name(scan));
                self.has_skipped = false;
                self.serves.insert(scan, reco);
                Some(line)
            }
            News::Stands { scan } => {
                let is_first = self.stands.is_empty();
                self.stands.insert(scan);
                is_first.then(|| {
                    format!(
                        "worker: is connected to {}, which waits for alerts",
                        self.place
                    )
                })
            }
            News::Gone { scan } => {
                if self.stands.remove(&scan) {
                    return Some(format!("worker: {} is gone", self.place));
                }
                self.skips.remove(&scan);
                self.serves.remove(&scan)?;
                if self.serves.is_empty() {
                    self.idle_since = Instant::now();
                    self.next_word = FIRST_WORD;
                }
                Some(format!("worker: scan {} is gone", name(scan)))
            }
            News::Skips { scan, reason } => {
                self.has_skipped = true;
                self.skips.extend(scan);
                let scan = scan.map_or_else(String::new, |scan| format!(" {}", name(scan)));
                self.complain(format!("worker: skips scan{scan}: {reason}"))
            }
            News::Trouble(reason) => self.complain(format!("worker: trouble: {reason}")),
        }
    }

    /// Everything is complained of once.
    fn complain(&mut self, complaint: String) -> Option<String> {
        let is_new =
            self.complaints.len() < MOST_COMPLAINTS && self.complaints.insert(complaint.clone());
        is_new.then_some(complaint)
    }

    /// When to look again, if it serves no scan.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let word = self.idle_since + self.next_word;
        let end = self.give_up.map(|give_up| self.idle_since + give_up);
        let next = end.map_or(word, |end| end.min(word));
        self.serves.is_empty().then_some(next)
    }

    /// What is due now.
    pub(super) fn look(&mut self) -> Due {
        let idle = self.idle_since.elapsed();
        if !self.serves.is_empty() {
            return Due::Nothing;
        }
        if self.give_up.is_some_and(|give_up| idle >= give_up) {
            return Due::GiveUp(idle);
        }
        if idle < self.next_word {
            return Due::Nothing;
        }
        self.next_word = (2 * self.next_word).min(self.next_word + SELDOM);
        if !self.stands.is_empty() && self.skips.is_empty() {
            return Due::Nothing;
        }
        Due::Say(idle)
    }

    /// Whether there were scans since it served one, and it could serve none of them.
    pub(super) fn is_misplaced(&self) -> bool {
        self.has_skipped
    }

    /// How to say that it leaves.
    pub(super) fn gives_up(&self, idle: Duration) -> String {
        let (place, idle) = (&self.place, idle.as_secs());
        match self.has_skipped {
            true => format!("worker: gives up: no scan at {place} for {idle} s that it can serve"),
            false => format!("worker: gives up: no scan at {place} for {idle} s"),
        }
    }

    /// How to say that the place does not let it in, for a reason that it was told.
    pub(super) fn not_let_in(&self, idle: Duration, reason: &str) -> String {
        let (place, idle) = (&self.place, idle.as_secs());
        format!("worker: not let in at {place} for {idle} s: {reason}")
    }

    /// How to say that no scan has come; `finding` is what a look at the place has found.
    pub(super) fn no_scan(&self, idle: Duration, finding: &str) -> String {
        let (place, idle) = (&self.place, idle.as_secs());
        match self.skips.len() {
            0 => {
                let colon = if finding.is_empty() { "" } else { ": " };
                format!(
                    "worker: no scan at {place} for {idle} s{colon}{finding}; is a scan running with \
                     this very --transport?"
                )
            }
            n => format!(
                "worker: no scan at {place} for {idle} s that it can serve; it skips {n} there"
            ),
        }
    }
}

fn name(scan: ScanId) -> String {
    format!("{:08x}", scan.0 >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vigil(give_up: Option<u64>) -> Vigil {
        Vigil::new("zmq://here:1".to_owned(), give_up.map(Duration::from_secs))
    }

    fn serves(scan: u64) -> News {
        News::Serves {
            scan: ScanId(scan << 32),
            reco: "pandel-mpe".to_owned(),
        }
    }

    fn gone(scan: u64) -> News {
        News::Gone {
            scan: ScanId(scan << 32),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn says_that_nobody_comes_more_and_more_seldom() {
        let mut vigil = vigil(None);
        let mut said = Vec::new();
        while said.len() < 5 {
            tokio::time::sleep_until(vigil.next_look().unwrap()).await;
            match vigil.look() {
                Due::Say(idle) => said.push(idle.as_secs()),
                Due::Nothing | Due::GiveUp(_) => {}
            }
        }
        assert_eq!(said, [5, 10, 20, 40, 80]);
        let told = vigil.no_scan(Duration::from_secs(5), "nothing listens");
        assert!(
            told.contains("no scan at zmq://here:1 for 5 s: nothing listens"),
            "{told}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_when_no_scan_came_for_so_long_and_not_while_it_serves_one() {
        let mut vigil = vigil(Some(30));
        vigil.hear(serves(1));
        assert_eq!(vigil.next_look(), None);
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(vigil.look(), Due::Nothing);
        vigil.hear(gone(1));
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(matches!(vigil.look(), Due::Say(_)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(vigil.look(), Due::GiveUp(Duration::from_secs(30)));
        assert!(!vigil.is_misplaced());
    }

    #[tokio::test(start_paused = true)]
    async fn where_scans_will_come_their_absence_is_no_trouble() {
        let mut vigil = vigil(Some(60));
        let scan = ScanId(9);
        let told = vigil.hear(News::Stands { scan }).unwrap();
        assert_eq!(
            told,
            "worker: is connected to zmq://here:1, which waits for alerts"
        );
        tokio::time::sleep_until(vigil.next_look().unwrap()).await;
        assert_eq!(vigil.look(), Due::Nothing);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(matches!(vigil.look(), Due::GiveUp(_)));
        let told = vigil.hear(News::Gone { scan }).unwrap();
        assert_eq!(told, "worker: zmq://here:1 is gone");
        tokio::time::advance(vigil.next_word).await;
        let mut lost = Vigil {
            give_up: None,
            ..vigil
        };
        assert!(matches!(lost.look(), Due::Say(_)));
    }

    #[tokio::test]
    async fn a_scan_is_told_when_it_comes_and_goes_and_comes_again() {
        let mut vigil = vigil(None);
        let lines: Vec<String> = [serves(1), serves(2), gone(2), gone(1), serves(1)]
            .into_iter()
            .filter_map(|news| vigil.hear(news))
            .collect();
        assert_eq!(
            lines,
            [
                "worker: serves scan 00000001 (pandel-mpe)",
                "worker: serves scan 00000002 (pandel-mpe)",
                "worker: scan 00000002 is gone",
                "worker: scan 00000001 is gone",
                "worker: is connected again and serves scan 00000001 (pandel-mpe)",
            ]
        );
    }

    #[tokio::test]
    async fn a_scan_that_is_skipped_is_told_once_and_remembered() {
        let mut vigil = vigil(Some(1));
        let skips = News::Skips {
            scan: Some(ScanId(7 << 32)),
            reason: "it asks for another".to_owned(),
        };
        let told = vigil.hear(skips.clone()).unwrap();
        assert_eq!(told, "worker: skips scan 00000007: it asks for another");
        assert_eq!(vigil.hear(skips), None);
        assert!(vigil.is_misplaced());
        assert!(vigil.no_scan(Duration::ZERO, "").contains("skips 1 there"));
        vigil.hear(serves(1));
        assert!(!vigil.is_misplaced());
        // There may be any number of them.
        let n_told = (0..100_000).filter_map(|n| vigil.hear(News::Trouble(n.to_string())));
        assert!(n_told.count() < MOST_COMPLAINTS);
    }
}
