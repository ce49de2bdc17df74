//! Minimisation of a smooth function of a few parameters, mostly three, whose gradient is known.
//!
//! Quasi-Newton steps with the update of Broyden, Fletcher, Goldfarb and Shanno (J. Nocedal and
//! S. Wright, *Numerical Optimization*, 2nd ed., algorithm 6.1), on the stack: a likelihood is
//! evaluated a hundred times a pixel and millions of times a scan.
//!
//! Decision: Minimisation by our own BFGS (`docs/decisions.md`).

/// Value and gradient of a function.
pub type Evaluation<const N: usize = 3> = (f64, [f64; N]);

/// Where a minimisation ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minimum<const N: usize = 3> {
    /// Parameters.
    pub at: [f64; N],
    /// Value there.
    pub value: f64,
    /// Evaluations it took.
    pub n_evaluations: usize,
}

/// How long to search and how fine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search<const N: usize = 3> {
    /// Size of each parameter that matters; steps are measured in it.
    pub scale: [f64; N],
    /// Stop when the expected gain of a step falls below this.
    pub tolerance: f64,
    /// Stop after so many steps.
    pub most_steps: usize,
}

/// Longest step, in scales.
const LONGEST_STEP: f64 = 5.0;
/// A step must gain this share of what the slope promises (Armijo's condition).
const SUFFICIENT_GAIN: f64 = 1e-4;
/// A step shortened this often goes nowhere.
const MOST_SHORTENINGS: usize = 12;

/// Descends from `start` to a local minimum.
pub fn minimize<const N: usize>(
    mut function: impl FnMut([f64; N]) -> Evaluation<N>,
    start: [f64; N],
    search: &Search<N>,
) -> Minimum<N> {
    let scale = search.scale;
    let mut n_evaluations = 0;
    // All vectors below are in units of the scales.
    let mut evaluate = |x: [f64; N]| {
        n_evaluations += 1;
        let (value, gradient) = function(std::array::from_fn(|i| x[i] * scale[i]));
        (value, std::array::from_fn(|i| gradient[i] * scale[i]))
    };
    let mut at: [f64; N] = std::array::from_fn(|i| start[i] / scale[i]);
    let (mut value, mut gradient): Evaluation<N> = evaluate(at);
    let mut inverse_hessian = first_guess(&gradient);
    let mut fresh = true;
    for _ in 0..search.most_steps {
        let mut step = times(&inverse_hessian, &gradient).map(|x| -x);
        let mut slope = dot(&step, &gradient);
        if slope >= 0.0 {
            inverse_hessian = first_guess(&gradient);
            step = times(&inverse_hessian, &gradient).map(|x| -x);
            slope = dot(&step, &gradient);
        }
        // Close to a minimum a full step gains half of what the slope promises.
        if -0.5 * slope < search.tolerance {
            break;
        }
        let length = dot(&step, &step).sqrt();
        let shorten = (LONGEST_STEP / length).min(1.0);
        let (step, slope) = (step.map(|x| x * shorten), slope * shorten);

        let Some((moved, next_value, next_gradient)) =
            search_line(&mut evaluate, &at, value, &step, slope)
        else {
            if fresh {
                break;
            }
            // The curvature learnt so far misleads; forget it once.
            inverse_hessian = first_guess(&gradient);
            fresh = true;
            continue;
        };
        let bend: [f64; N] = std::array::from_fn(|i| next_gradient[i] - gradient[i]);
        update(&mut inverse_hessian, &moved, &bend, fresh);
        fresh = false;
        at = std::array::from_fn(|i| at[i] + moved[i]);
        (value, gradient) = (next_value, next_gradient);
    }
    Minimum {
        at: std::array::from_fn(|i| at[i] * scale[i]),
        value,
        n_evaluations,
    }
}

/// Shortens a step until it gains enough. Returns the step taken and what was found there.
fn search_line<const N: usize>(
    evaluate: &mut impl FnMut([f64; N]) -> Evaluation<N>,
    at: &[f64; N],
    value: f64,
    step: &[f64; N],
    slope: f64,
) -> Option<([f64; N], f64, [f64; N])> {
    let mut share = 1.0;
    for _ in 0..MOST_SHORTENINGS {
        let moved = step.map(|x| x * share);
        let (next, gradient) = evaluate(std::array::from_fn(|i| at[i] + moved[i]));
        if next <= value + SUFFICIENT_GAIN * share * slope {
            return Some((moved, next, gradient));
        }
        // The parabola through value, slope and the new value has its minimum here.
        let parabola = -slope * share * share / (2.0 * (next - value - slope * share));
        share = if parabola.is_finite() {
            parabola.clamp(0.1 * share, 0.5 * share)
        } else {
            0.1 * share
        };
    }
    None
}

/// Steepest descent, at most one scale far.
fn first_guess<const N: usize>(gradient: &[f64; N]) -> [[f64; N]; N] {
    let length = dot(gradient, gradient).sqrt();
    diagonal(if length > 1.0 { 1.0 / length } else { 1.0 })
}

/// The BFGS update of the inverse Hessian; left alone where the function bends downwards.
fn update<const N: usize>(
    inverse: &mut [[f64; N]; N],
    moved: &[f64; N],
    bend: &[f64; N],
    fresh: bool,
) {
    let curvature = dot(moved, bend);
    let bend_length = dot(bend, bend);
    if curvature <= 1e-12 * bend_length.max(1e-30) {
        return;
    }
    if fresh {
        // Nocedal and Wright, equation 6.20: the right order of magnitude before the first update.
        *inverse = diagonal(curvature / bend_length);
    }
    let turned = times(inverse, bend);
    let stretch = (1.0 + dot(bend, &turned) / curvature) / curvature;
    for i in 0..N {
        for j in 0..N {
            inverse[i][j] += stretch * moved[i] * moved[j]
                - (turned[i] * moved[j] + moved[i] * turned[j]) / curvature;
        }
    }
}

fn diagonal<const N: usize>(value: f64) -> [[f64; N]; N] {
    std::array::from_fn(|i| std::array::from_fn(|j| if i == j { value } else { 0.0 }))
}

/// From the first on, so that the bits are those of the sum as it is written.
fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    (1..N).fold(a[0] * b[0], |sum, i| sum + a[i] * b[i])
}

fn times<const N: usize>(matrix: &[[f64; N]; N], vector: &[f64; N]) -> [f64; N] {
    std::array::from_fn(|i| dot(&matrix[i], vector))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEARCH: Search = Search {
        scale: [1.0, 10.0, 0.1],
        tolerance: 1e-10,
        most_steps: 200,
    };

    #[test]
    fn solves_a_skewed_parabola_in_few_steps() {
        let function = |[x, y, z]: [f64; 3]| {
            let (a, b, c) = (x - 3.0, y - 20.0 + x, z - 0.1);
            (
                a * a + 0.02 * b * b + 300.0 * c * c + 7.0,
                [2.0 * a + 0.04 * b, 0.04 * b, 600.0 * c],
            )
        };
        let minimum = minimize(function, [-5.0, 90.0, 1.5], &SEARCH);
        assert!((minimum.value - 7.0).abs() < 1e-8, "{minimum:?}");
        assert!((minimum.at[0] - 3.0).abs() < 1e-3 && (minimum.at[1] - 17.0).abs() < 1e-2);
        assert!(minimum.n_evaluations < 30, "{minimum:?}");
    }

    #[test]
    fn follows_a_curved_valley() {
        // Rosenbrock's function and a parabola.
        let function = |[x, y, z]: [f64; 3]| {
            let valley = y - x * x;
            (
                100.0 * valley * valley + (1.0 - x) * (1.0 - x) + z * z,
                [
                    -400.0 * x * valley - 2.0 * (1.0 - x),
                    200.0 * valley,
                    2.0 * z,
                ],
            )
        };
        let search = Search {
            scale: [1.0; 3],
            ..SEARCH
        };
        let minimum = minimize(function, [-1.2, 1.0, 0.5], &search);
        assert!(minimum.value < 1e-8, "{minimum:?}");
    }

    #[test]
    fn stays_put_on_a_plain() {
        let minimum = minimize(|_| (1.0, [0.0; 3]), [1.0, 2.0, 3.0], &SEARCH);
        assert_eq!(minimum.n_evaluations, 1);
        assert_eq!(minimum.value, 1.0);
    }

    #[test]
    fn ends_where_everything_is_nan() {
        let minimum = minimize(|_| (f64::NAN, [f64::NAN; 3]), [0.0; 3], &SEARCH);
        assert!(minimum.value.is_nan());
    }
}
