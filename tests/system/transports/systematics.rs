//! Systematics: the tasks of a scan that is repeated under them, over a transport.

use libtest_mimic::Failed;

use super::remote::{Scan, Subject, Worker, kill_at_task};
use super::same;

/// Workers are killed when the sky is known and the systematics have begun: one with leases of theirs, one that is
/// alone at the scan, in the middle of a task.
pub(super) fn workers_come_and_go(url: &str) -> Result<(), Failed> {
    let expected = Subject::Varied.map_in_memory()?;
    if expected == Subject::Demo.map_in_memory()? {
        return Err("systematics have changed nothing".into());
    }
    let mut scan = Scan::start(Subject::Varied, url)?;
    let mut doomed = Worker::start(url)?;
    scan.wait_for_round("nside 64")?;
    doomed.kill()?;
    kill_at_task(url, 2)?;
    let stays = Worker::start(url)?;
    same(&scan.finish()?, &expected)?;
    stays.leave()
}
