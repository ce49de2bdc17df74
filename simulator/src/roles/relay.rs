//! A relay: comes, is killed now and then, and comes back.

use std::sync::Arc;
use std::time::Duration;

use skyscan::actors::relay::{self, RelaySetup};
use tokio::time::sleep;

use crate::draft::Who;
use crate::world::World;

/// A relay that ended by itself is started again after this.
const START_AGAIN: Duration = Duration::from_secs(1);

/// Relays for ever.
pub(crate) async fn live(world: Arc<World>, number: usize) {
    let who = Who::Relay(number);
    let deaths = world.deaths(who);
    for n_times in 0.. {
        let fate = world.fate(who, n_times);
        let above = Arc::new(world.at_top(who, &fate));
        let below = Arc::new(world.below(number, &fate));
        let setup = RelaySetup {
            zone: format!("zone{number}"),
            prefetch: 2 * (number as u16),
            liveness: world.draft.liveness,
            lease_term: world.draft.lease_term,
            ..RelaySetup::default()
        };
        fate.history.note(&fate.name, format_args!("comes"));
        let relaying = relay::run(above, below, setup, std::future::pending());
        tokio::select! {
            biased;
            () = fate.died() => {}
            ended = relaying => {
                let how = ended.map_or_else(|error| error.to_string(), |_| "well".to_owned());
                fate.history.note(&fate.name, format_args!("ends how={}", how.replace(' ', "-")));
                fate.die();
            }
        }
        sleep(deaths.get(n_times).map_or(START_AGAIN, |(_, gone)| *gone)).await;
    }
}
