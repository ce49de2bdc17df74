//! The open questions of the talk, in its order, and those of our own.

mod agreement;
mod broker;
mod bursts;
pub(super) mod deadline;
mod eighty_thousand;
mod losses;
pub(super) mod master;
mod masters;
mod quarter_million;
mod rounds;
pub(super) mod scanner;
mod speeds;
pub(super) mod transfer;
mod vanishing;
pub(super) mod zones;

use super::known::Known;
use super::numbers::Column;

/// A question.
pub(super) struct Question {
    /// In words.
    pub(super) asked: &'static str,
    /// What the talk says, or what is behind the question.
    pub(super) said: &'static str,
    /// The scenarios that answer it, the most telling one first.
    pub(super) scenarios: &'static [&'static str],
    /// Which charts of which of these scenarios stand there.
    pub(super) charts: &'static [(&'static str, Chart)],
    /// What the tables show.
    pub(super) columns: &'static [Column],
    /// The answer, if enough is known.
    pub(super) answer: fn(&Known) -> Option<Answer>,
}

/// What a chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chart {
    /// Busy share of the workers, over their number or by variant.
    Busy,
    /// When half, 99 % and all of the results were in.
    Ends,
    /// Money, and for what.
    Dollars,
    /// Gigabytes that were moved.
    Gigabytes,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// In a few words.
    pub(super) short: String,
    /// In two sentences.
    pub(super) told: String,
}

/// All of them.
pub(super) const QUESTIONS: [Question; 15] = [
    master::QUESTION,
    broker::QUESTION,
    eighty_thousand::QUESTION,
    scanner::QUESTION,
    deadline::QUESTION,
    transfer::QUESTION,
    zones::QUESTION,
    losses::QUESTION,
    agreement::QUESTION,
    bursts::QUESTION,
    quarter_million::QUESTION,
    vanishing::QUESTION,
    masters::QUESTION,
    speeds::QUESTION,
    rounds::QUESTION,
];
