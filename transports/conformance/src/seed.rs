//! Seeds: every random case prints its seed and reads `SKYSCAN_SEED`.

use skyscan_transport::backend::Dice;

/// Makes dice from the environment's `SKYSCAN_SEED`, else from `default`; says so on stderr.
#[expect(
    clippy::print_stderr,
    reason = "a failure must be repeatable from its output"
)]
pub fn dice_from_environment(default: u64) -> Dice {
    let given = std::env::var("SKYSCAN_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = given.unwrap_or(default);
    eprintln!("SKYSCAN_SEED={seed}");
    Dice::seeded(seed)
}
