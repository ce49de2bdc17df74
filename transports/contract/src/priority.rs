//! Which scan comes first where links are few.

/// How urgent a scan is (C16): the higher the number, the sooner. Those of one number share the links
/// as equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Priority(pub u8);

impl Priority {
    /// Whatever is left over by all others.
    pub const BACKGROUND: Self = Self(64);
    /// That of a scan of which nobody said anything else.
    pub const NORMAL: Self = Self(128);
    /// Somebody waits for it, such as a telescope that is to be pointed.
    pub const URGENT: Self = Self(192);
}

impl Default for Priority {
    fn default() -> Self {
        Self::NORMAL
    }
}
