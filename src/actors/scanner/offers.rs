//! What the workers who are there offer, and what is said when none of them offers what the scan asks
//! for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use actix::{AsyncContext, Context, Handler, Message};
use skyscan_transport::{LinkId, WorkerId};

use super::Scanner;
use crate::protocol::Hello;

/// How long after the first worker that offers something else it is said that nobody helps: others may
/// be about to come.
const SAY_AFTER: Duration = Duration::from_secs(2);
/// It is said again after twice the time, until that is so long.
const SAY_AGAIN_LONGEST: Duration = Duration::from_secs(3600);
/// Most reconstructions that are named.
const MOST_NAMED: usize = 8;

/// What the links offer that are up.
#[derive(Debug, Default)]
pub(super) struct Offers {
    /// What the scan asks for. Where nobody says, everybody offers it.
    asked: Option<String>,
    n_helping: usize,
    by_link: HashMap<LinkId, Offer>,
    /// Workers that offer something else, and with how many links: in order, since tasks that avoid the
    /// same ones are kept together.
    others: BTreeMap<WorkerId, usize>,
    /// How long it is until it is said again that nobody helps; while that is to be.
    say_again: Option<Duration>,
}

#[derive(Debug, PartialEq, Eq)]
enum Offer {
    /// What is asked for; so may whoever cannot be understood.
    Asked,
    /// Nothing by itself, as a relay's own links, behind which somebody may.
    Nothing,
    /// Other reconstructions.
    Others(WorkerId, Vec<String>),
}

impl Offers {
    /// A link is up, and says this of itself, if it can be understood. Returns whether tasks are for it.
    pub(super) fn up(&mut self, link: LinkId, worker: WorkerId, hello: Option<Hello>) -> bool {
        self.down(link);
        let offer = match (&self.asked, hello) {
            (None, _) | (_, None) => Offer::Asked,
            (Some(_), Some(hello)) if hello.recos.is_empty() => Offer::Nothing,
            (Some(asked), Some(hello)) if hello.recos.contains(asked) => Offer::Asked,
            (Some(_), Some(hello)) => Offer::Others(worker, hello.recos),
        };
        let helps = match &offer {
            Offer::Asked => {
                self.n_helping += 1;
                true
            }
            Offer::Nothing => true,
            Offer::Others(worker, _) => {
                *self.others.entry(*worker).or_default() += 1;
                false
            }
        };
        self.by_link.insert(link, offer);
        helps
    }

    /// A link is down.
    pub(super) fn down(&mut self, link: LinkId) {
        match self.by_link.remove(&link) {
            Some(Offer::Asked) => self.n_helping -= 1,
            Some(Offer::Others(worker, _)) => {
                let n_links = self.others.remove(&worker).unwrap_or(1);
                if n_links > 1 {
                    self.others.insert(worker, n_links - 1);
                }
            }
            Some(Offer::Nothing) | None => {}
        }
    }

    /// Whether workers are there and none of them can help.
    pub(super) fn only_others(&self) -> bool {
        self.n_helping == 0 && !self.others.is_empty()
    }

    /// The workers that offer something else.
    pub(super) fn others(&self) -> impl Iterator<Item = WorkerId> {
        self.others.keys().copied()
    }

    fn offered(&self) -> impl Iterator<Item = &String> {
        let others = self.by_link.values().filter_map(|offer| match offer {
            Offer::Others(_, recos) => Some(recos),
            Offer::Asked | Offer::Nothing => None,
        });
        others.flatten()
    }

    /// What to say of workers that all offer something else.
    fn complaint(&self) -> Option<String> {
        let asked = self.asked.as_ref().filter(|_| self.only_others())?;
        let offered: BTreeSet<&String> = self.offered().collect();
        let named: Vec<&str> = offered
            .iter()
            .map(|reco| reco.as_str())
            .take(MOST_NAMED)
            .collect();
        let more = if offered.len() > named.len() {
            ", ..."
        } else {
            ""
        };
        let are = match self.others.len() {
            1 => "1 worker is here and does not offer".to_owned(),
            n => format!("{n} workers are here, none offers"),
        };
        Some(format!(
            "{are} {asked}, they offer {}{more}: check --reco, or start workers that offer it",
            named.join(", ")
        ))
    }
}

impl Scanner {
    /// Says from time to time, more and more seldom, that nobody who is there can help.
    pub(super) fn complain_in_time(&mut self, context: &mut Context<Self>) {
        if self.offers.only_others() && self.offers.say_again.is_none() {
            self.offers.say_again = Some(SAY_AFTER);
            context.run_later(SAY_AFTER, Self::complain);
        }
    }

    fn complain(&mut self, context: &mut Context<Self>) {
        let Some(complaint) = self.offers.complaint() else {
            self.offers.say_again = None;
            return;
        };
        tracing::warn!("{complaint}");
        let next = self.offers.say_again.map_or(SAY_AFTER, |last| 2 * last);
        let next = next.min(SAY_AGAIN_LONGEST);
        self.offers.say_again = Some(next);
        context.run_later(next, Self::complain);
    }
}

/// Tells a Scanner, before any link is up, which reconstruction its scan asks for: who offers others
/// counts as not there.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct AskFor(pub String);

impl Handler<AskFor> for Scanner {
    type Result = ();

    fn handle(&mut self, AskFor(reco): AskFor, _: &mut Context<Self>) {
        self.offers.asked = Some(reco);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(link: u64) -> WorkerId {
        WorkerId([link as u8; 16])
    }

    fn offer(offers: &mut Offers, link: u64, recos: &[&str]) -> bool {
        let hello = Hello {
            slots: 1,
            recos: recos.iter().map(|reco| (*reco).to_owned()).collect(),
            build: String::new(),
        };
        offers.up(LinkId(link), worker(link), Some(hello))
    }

    #[test]
    fn workers_that_offer_something_else_do_not_help_and_are_named() {
        let mut offers = Offers {
            asked: Some("external:typo".to_owned()),
            ..Offers::default()
        };
        assert!(!offers.only_others());
        assert!(!offer(&mut offers, 1, &["external:a", "pandel-mpe"]));
        assert!(!offer(&mut offers, 2, &["pandel-mpe"]));
        // A relay's own.
        assert!(offer(&mut offers, 3, &[]));
        let told = offers.complaint().unwrap();
        let expected = "2 workers are here, none offers external:typo, they offer external:a, \
                        pandel-mpe: ";
        assert!(told.starts_with(expected), "{told}");

        assert!(offer(&mut offers, 4, &["external:typo"]));
        assert_eq!(offers.complaint(), None);
        assert!(offers.others().eq([1, 2].map(worker)));
        offers.down(LinkId(4));
        assert!(offers.only_others());
        offers.down(LinkId(1));
        offers.down(LinkId(2));
        assert!(!offers.only_others());
    }

    #[test]
    fn where_nothing_is_asked_for_or_understood_everybody_helps() {
        let mut offers = Offers::default();
        assert!(offer(&mut offers, 1, &["any"]));
        offers.asked = Some("other".to_owned());
        assert!(offers.up(LinkId(2), worker(2), None));
        assert!(!offers.only_others());
    }
}
