//! What a Scanner asks of whoever stands at its side: what comes next, and the map in the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message, Recipient};

use crate::reco::PixelRequest;
use crate::scan::{Atlas, Point};
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
    pub wave: Vec<(Point, PixelRequest)>,
    /// Best direction so far.
    pub best: Option<(Equatorial, PixelFit)>,
    /// The map of the first scan so far, for those who watch.
    pub map: Option<Arc<SkyMap>>,
}

/// Asks for the maps, with these outcomes of an unfinished wave in it.
#[derive(Debug, Message)]
#[rtype(result = "Atlas")]
pub struct TakeMap(pub BTreeMap<Point, PixelOutcome>);

/// An actor that answers both: the Refiner in a scan; in a replay the Pile or the Refiner, behind a Gate.
#[derive(Clone, Debug)]
pub struct Partner {
    /// Where to ask what comes next.
    pub waves: Recipient<WaveScanned>,
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
            map: address.recipient(),
        }
    }
}
