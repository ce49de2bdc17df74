//! What things cost.

use serde::{Deserialize, Serialize};

use super::range::not_negative;
use crate::transport::modelled::{BOUNDARIES, Boundary};

/// Prices in dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// Price of a core for an hour.
    pub core_hour: f64,
    /// Price of the hub's machine and the broker's, together, for an hour.
    pub hub_hour: f64,
    /// Price of a relay's machine for an hour; there are such in virtual time only.
    #[serde(skip_serializing_if = "is_free")]
    pub relay_hour: f64,
    /// Price of a gigabyte (1e9 bytes) over each boundary, both ends' charges together.
    pub per_gb: PerBoundary<f64>,
    /// Shortest time that a machine is paid for, in seconds.
    pub at_least_s: f64,
}

fn is_free(price: &f64) -> bool {
    *price == 0.0
}

/// A value for each boundary, named by the widest one that is crossed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PerBoundary<T> {
    /// Between two machines of a zone.
    pub host: T,
    /// Between two zones of a region.
    pub zone: T,
    /// Between two regions of a cloud.
    pub region: T,
    /// Between two clouds.
    pub cloud: T,
    /// To somewhere outside of any cloud.
    pub internet: T,
}

impl<T> PerBoundary<T> {
    /// The value of each boundary, made by a function of it.
    pub fn of(mut value: impl FnMut(Boundary) -> T) -> Self {
        Self {
            host: value(Boundary::Host),
            zone: value(Boundary::Zone),
            region: value(Boundary::Region),
            cloud: value(Boundary::Cloud),
            internet: value(Boundary::Internet),
        }
    }
}

impl<T: Copy> PerBoundary<T> {
    /// The value of one boundary.
    pub fn at(&self, boundary: Boundary) -> T {
        match boundary {
            Boundary::Host => self.host,
            Boundary::Zone => self.zone,
            Boundary::Region => self.region,
            Boundary::Cloud => self.cloud,
            Boundary::Internet => self.internet,
        }
    }

    /// The values with their names, the narrowest boundary first.
    pub fn named(&self) -> [(&'static str, T); 5] {
        BOUNDARIES.map(|boundary| (boundary.name(), self.at(boundary)))
    }

    /// The values of two, put together.
    pub fn with<U: Copy, V>(
        &self,
        other: &PerBoundary<U>,
        join: impl Fn(T, U) -> V,
    ) -> PerBoundary<V> {
        PerBoundary::of(|boundary| join(self.at(boundary), other.at(boundary)))
    }
}

impl Prices {
    pub(super) fn check(&self) -> Result<(), String> {
        let per_gb = self.per_gb.named();
        let named = [
            ("core_hour", self.core_hour),
            ("hub_hour", self.hub_hour),
            ("relay_hour", self.relay_hour),
            ("at_least_s", self.at_least_s),
        ];
        for (key, price) in named.into_iter().chain(per_gb) {
            not_negative(&format!("price: {key}"), price)?;
        }
        Ok(())
    }
}
