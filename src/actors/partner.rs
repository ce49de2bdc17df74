//! What a Scanner asks of whoever stands at its side: what comes next, what will probably come after that, and the
//! map in the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message, Recipient};

use crate::scan::{Asked, Atlas, Point};
use crate::sky::Equatorial;
use crate::sky::map::{PixelFit, PixelOutcome, SkyMap};

/// Asks what comes after these outcomes, a complete wave (or nothing, at the very beginning).
#[derive(Debug, Message)]
#[rtype(result = "Refined")]
pub struct WaveScanned(pub BTreeMap<Point, PixelOutcome>);

/// What comes next.
#[derive(Debug)]
pub struct Refined {
    /// The next wave; empty if the scan is complete.
    pub wave: Vec<Asked>,
    /// Best direction so far.
    pub best: Option<(Equatorial, PixelFit)>,
    /// The map of the first scan so far, for those who watch.
    pub map: Option<Arc<SkyMap>>,
}

/// Asks what the round after the running one will probably ask for, of which there are these outcomes so far: the most
/// likely first, and each part as a whole or not at all. `None`: nothing comes of this round that could be foreseen.
#[derive(Debug, Message)]
#[rtype(result = "Option<Vec<Vec<Asked>>>")]
pub struct Foresee(pub BTreeMap<Point, PixelOutcome>);

/// Asks for the maps, with these outcomes of an unfinished wave in it.
#[derive(Debug, Message)]
#[rtype(result = "Atlas")]
pub struct TakeMap(pub BTreeMap<Point, PixelOutcome>);

/// An actor that answers this: the Refiner in a scan; in a replay the Pile or the Refiner, behind a Gate.
#[derive(Clone, Debug)]
pub struct Partner {
    /// Where to ask what comes next.
    pub waves: Recipient<WaveScanned>,
    /// Where to ask what will probably come, if anybody can tell.
    pub foresight: Option<Recipient<Foresee>>,
    /// Where to ask for the map.
    pub map: Recipient<TakeMap>,
}

impl<A> From<Addr<A>> for Partner
where
    A: Actor + Handler<WaveScanned> + Handler<TakeMap>,
    A::Context: ToEnvelope<A, WaveScanned> + ToEnvelope<A, TakeMap>,
{
    fn from(address: Addr<A>) -> Self {
        Self {
            waves: address.clone().recipient(),
            foresight: None,
            map: address.recipient(),
        }
    }
}
