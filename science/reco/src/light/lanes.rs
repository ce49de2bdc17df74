//! DOMs in blocks of sixteen that go through the same arithmetic side by side, which a compiler turns into the vector
//! instructions that a CPU has.
//!
//! The bits are the same on every CPU: each number goes its own way, however many go in one instruction, no product is
//! added without being rounded, and [`sum`] adds the sixteen in one order.
//!
//! Decision: DOMs in blocks, for the CPU that is there (`docs/decisions.md`).

use pulp::{Arch, NullaryFnOnce};

/// How many DOMs are in a block.
pub(crate) const BLOCK: usize = 16;

/// A number for each DOM of a block.
pub(crate) type Lanes = [f64; BLOCK];

/// Does it with the vector instructions of this CPU; for that it has to be inlined, with all that it calls.
#[inline]
pub(crate) fn on_this_cpu<W: NullaryFnOnce>(work: W) -> W::Output {
    Arch::new().dispatch(work)
}

/// Of each DOM.
#[inline(always)]
pub(crate) fn each(of: impl Fn(usize) -> f64) -> Lanes {
    let mut lanes = [0.0; BLOCK];
    for (k, lane) in lanes.iter_mut().enumerate() {
        *lane = of(k);
    }
    lanes
}

/// All of them: halves are added to each other, from outside to inside.
#[inline(always)]
pub(crate) fn sum(lanes: &Lanes) -> f64 {
    let mut lanes = *lanes;
    let mut half = BLOCK / 2;
    while half > 0 {
        for k in 0..half {
            lanes[k] += lanes[k + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// The same with the vector instructions of each generation that this CPU has, the plainest first.
#[cfg(test)]
pub(crate) fn on_every_cpu<W: NullaryFnOnce>(work: impl Fn() -> W) -> Vec<W::Output> {
    let mut found = vec![work().call()];
    #[cfg(target_arch = "x86_64")]
    {
        let v3 = pulp::x86::V3::try_new();
        found.extend(v3.map(|generation| generation.vectorize(work())));
        let v4 = pulp::x86::V4::try_new();
        found.extend(v4.map(|generation| generation.vectorize(work())));
    }
    found.push(on_this_cpu(work()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_go_from_outside_to_inside() {
        let big = each(|k| {
            if k % 8 == 0 {
                1e17 * (1.0 - k as f64 / 4.0)
            } else {
                1.0
            }
        });
        // The two big ones meet first, and are gone.
        assert_eq!(sum(&big), 14.0);
        assert_eq!(sum(&each(|k| k as f64)), 120.0);
    }
}
