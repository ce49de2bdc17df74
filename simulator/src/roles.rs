//! Who lives in a life, from coming to going, and coming back.

pub(crate) mod relay;
pub(crate) mod scanner;
pub(crate) mod worker;
