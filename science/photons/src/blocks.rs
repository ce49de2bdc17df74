//! Work in blocks, whose results come in order: the same on any number of cores.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Does blocks `0..n_blocks` on `n_threads` threads and gives their results in the order of the blocks.
pub(crate) fn in_order<T: Send>(
    n_blocks: u64,
    n_threads: usize,
    work: impl Fn(u64) -> T + Sync,
) -> Vec<T> {
    let next = AtomicU64::new(0);
    let some_of_them = || {
        let mut done = Vec::new();
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= n_blocks {
                return done;
            }
            done.push((block, work(block)));
        }
    };
    let mut results: Vec<(u64, T)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..n_threads.max(1))
            .map(|_| scope.spawn(some_of_them))
            .collect();
        let mut results = some_of_them();
        for thread in threads {
            match thread.join() {
                Ok(done) => results.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_by_key(|(block, _)| *block);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The same with random numbers for each block: block `i` draws from stream `i + 1` of the generator with this seed;
/// stream 0 is left for what is drawn once.
pub(crate) fn in_blocks<T: Send>(
    seed: u64,
    n_blocks: u64,
    n_threads: usize,
    work: impl Fn(u64, &mut ChaCha8Rng) -> T + Sync,
) -> Vec<T> {
    in_order(n_blocks, n_threads, |block| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(block + 1);
        work(block, &mut rng)
    })
}

/// As many threads as there are cores.
pub(crate) fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let draw =
            |n_threads| in_blocks(9, 20, n_threads, |block, rng| (block, rng.random::<u64>()));
        let one = draw(1);
        assert_eq!(one, draw(3));
        assert!(
            one.iter()
                .enumerate()
                .all(|(i, (block, _))| i as u64 == *block)
        );
        assert_ne!(one[0].1, one[1].1);
    }
}
