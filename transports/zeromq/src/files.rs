//! How many files a process may hold, beside how many its connections need.

use rlimit::Resource;
use skyscan_transport::Result;

use crate::failure;

/// Files of one connection: its socket, and libzmq's signal to the links' thread.
const FILES_PER_LINK: u64 = 2;

/// Files that the rest of the process may need.
const FILES_BESIDE: u64 = 128;

/// Too few for one more connection. libzmq would not say so.
#[derive(Debug, thiserror::Error)]
#[error(
    "this process may hold {limit} files, enough for {n_links} connections: start it after \
     `ulimit -n N`, where N is {FILES_BESIDE} and {FILES_PER_LINK} for each connection, or start \
     more processes"
)]
struct TooFewFiles {
    limit: u64,
    n_links: u64,
}

/// Refuses a link beside `n_links` others that would be one connection too many.
pub(crate) fn check_room(n_links: u64) -> Result<()> {
    // A system that does not tell has no limit.
    let limit = Resource::NOFILE.get_soft().unwrap_or(u64::MAX);
    match (n_links + 1) * FILES_PER_LINK + FILES_BESIDE > limit {
        false => Ok(()),
        true => Err(failure(
            "open one more connection",
            false,
            TooFewFiles { limit, n_links },
        )),
    }
}
