//! The workers that a task avoids, each once, and no more than a wire carries.

use std::ops::Deref;

use crate::{MAX_AVOID, WorkerId};

/// Workers that are not to get a task while another one could (C14), in the order in which they were named.
/// Who finds no room in it is not avoided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Avoided(Vec<WorkerId>);

impl Extend<WorkerId> for Avoided {
    fn extend<W: IntoIterator<Item = WorkerId>>(&mut self, workers: W) {
        for worker in workers {
            if self.0.len() >= MAX_AVOID {
                return;
            }
            if !self.0.contains(&worker) {
                self.0.push(worker);
            }
        }
    }
}

impl FromIterator<WorkerId> for Avoided {
    fn from_iter<W: IntoIterator<Item = WorkerId>>(workers: W) -> Self {
        let mut avoided = Self::default();
        avoided.extend(workers);
        avoided
    }
}

impl Deref for Avoided {
    type Target = [WorkerId];

    fn deref(&self) -> &[WorkerId] {
        &self.0
    }
}

impl From<Avoided> for Vec<WorkerId> {
    fn from(avoided: Avoided) -> Self {
        avoided.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_is_in_it_once_and_no_more_than_have_room() {
        let worker = |number: usize| WorkerId([number as u8; 16]);
        let mut avoided: Avoided = [2, 1, 2].map(worker).into_iter().collect();
        avoided.extend([1, 3].map(worker));
        assert_eq!(avoided[..], [2, 1, 3].map(worker));
        avoided.extend((0..2 * MAX_AVOID).map(worker));
        assert_eq!(avoided.len(), MAX_AVOID);
        assert_eq!(avoided[..4], [2, 1, 3, 0].map(worker));
    }
}
