//! Seeds: every random case prints its seed and reads `SKYSCAN_SEED`.

/// A small reproducible generator (SplitMix64).
#[derive(Clone, Debug)]
pub struct Seed(u64);

impl Seed {
    /// Starts from the environment's `SKYSCAN_SEED`, else from `default`; says so on stderr.
    #[expect(
        clippy::print_stderr,
        reason = "a failure must be repeatable from its output"
    )]
    pub fn from_environment(default: u64) -> Self {
        let given = std::env::var("SKYSCAN_SEED")
            .ok()
            .and_then(|text| text.parse().ok());
        let seed = given.unwrap_or(default);
        eprintln!("SKYSCAN_SEED={seed}");
        Self(seed)
    }

    /// Starts from a number.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Draws any number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Draws a number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.draw() % n.max(1)
    }
}
