//! Random draws whose bits are the same on every machine.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Uniform from 0 to below 1.
pub(crate) fn unit(rng: &mut ChaCha8Rng) -> f64 {
    rng.random::<f64>()
}

/// Exponential with mean 1.
pub(crate) fn exponential(rng: &mut ChaCha8Rng) -> f64 {
    -libm::log(1.0 - unit(rng))
}

/// Standard normal.
pub(crate) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (cos, _) = round(rng);
    (2.0 * exponential(rng)).sqrt() * cos
}

/// Gamma with a shape of at least 1 and scale 1 (G. Marsaglia, W. W. Tsang, ACM TOMS 26 (2000) 363).
pub(crate) fn gamma(shape: f64, rng: &mut ChaCha8Rng) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(rng);
        let v = (1.0 + c * x).powi(3);
        if v > 0.0 && exponential(rng) > -(0.5 * x * x + d * (1.0 - v + libm::log(v))) {
            return d * v;
        }
    }
}

/// Poisson; above 10,000 by the normal distribution, which it is near to.
pub(crate) fn poisson(mean: f64, rng: &mut ChaCha8Rng) -> u64 {
    if mean > 1e4 {
        return (mean + mean.sqrt() * normal(rng) + 0.5) as u64;
    }
    let mut left = mean - exponential(rng);
    let mut n = 0;
    while left > 0.0 {
        left -= exponential(rng);
        n += 1;
    }
    n
}

/// Cosine and sine of an angle uniform round the circle: a point in the unit disc, moved to its edge.
pub(crate) fn round(rng: &mut ChaCha8Rng) -> (f64, f64) {
    loop {
        let (x, y) = (2.0 * unit(rng) - 1.0, 2.0 * unit(rng) - 1.0);
        let square = x * x + y * y;
        if square > 1e-12 && square <= 1.0 {
            let inverse = 1.0 / square.sqrt();
            return (x * inverse, y * inverse);
        }
    }
}

/// A direction uniform over the sphere.
pub(crate) fn isotropic(rng: &mut ChaCha8Rng) -> [f64; 3] {
    let z = 2.0 * unit(rng) - 1.0;
    let across = (1.0 - z * z).max(0.0).sqrt();
    let (cos, sin) = round(rng);
    [across * cos, across * sin, z]
}

/// `direction` turned by the angle with this cosine, anywhere round it.
pub(crate) fn turn(direction: [f64; 3], cosine: f64, rng: &mut ChaCha8Rng) -> [f64; 3] {
    let sine = (1.0 - cosine * cosine).max(0.0).sqrt();
    let (cos, sin) = round(rng);
    let (a, b) = (sine * cos, sine * sin);
    let [x, y, z] = direction;
    let square = x * x + y * y;
    // Near the vertical the frame below loses its digits.
    let turned = if square < 1e-8 {
        [a, b, cosine * z.signum()]
    } else {
        let across = square.sqrt();
        let inverse = 1.0 / across;
        [
            x * cosine + (x * z * a - y * b) * inverse,
            y * cosine + (y * z * a + x * b) * inverse,
            z * cosine - across * a,
        ]
    };
    // One step of Newton's method: rounding does not add up over thousands of turns.
    let [x, y, z] = turned;
    let scale = 1.5 - 0.5 * (x * x + y * y + z * z);
    [x * scale, y * scale, z * scale]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn turns_by_the_angle_that_was_asked_for_and_keeps_the_length() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut direction = [0.0, 0.0, 1.0];
        for i in 0..10_000 {
            let cosine = -1.0 + f64::from(i % 200) / 100.0;
            let turned = turn(direction, cosine, &mut rng);
            let dot: f64 = (0..3).map(|k| direction[k] * turned[k]).sum();
            let length: f64 = turned.iter().map(|x| x * x).sum();
            assert!((dot - cosine).abs() < 1e-4 && (length - 1.0).abs() < 1e-12);
            direction = turned;
        }
    }

    #[test]
    fn directions_point_everywhere_alike() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let n = 100_000;
        let mut sums = [0.0; 6];
        for _ in 0..n {
            let [x, y, z] = isotropic(&mut rng);
            for (sum, value) in sums.iter_mut().zip([x, y, z, x * x, y * y, z * z]) {
                *sum += value / f64::from(n);
            }
        }
        // Five standard deviations: sqrt(1/3 / n) and sqrt(4/45 / n).
        assert!(sums[..3].iter().all(|mean| mean.abs() < 0.0092), "{sums:?}");
        assert!(
            sums[3..]
                .iter()
                .all(|mean| (mean - 1.0 / 3.0).abs() < 0.0048),
            "{sums:?}"
        );
    }

    /// Mean and variance of draws, and the number of them that five standard deviations are counted by.
    fn moments(mut draw: impl FnMut(&mut ChaCha8Rng) -> f64) -> (f64, f64) {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let draws: Vec<f64> = (0..N).map(|_| draw(&mut rng)).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(N);
        let square: f64 = draws.iter().map(|x| (x - mean).powi(2)).sum();
        (mean, square / f64::from(N))
    }

    const N: u32 = 100_000;

    #[test]
    fn draws_have_their_means_and_variances() {
        let five_sigma = 5.0 / f64::from(N).sqrt();
        let (mean, variance) = moments(normal);
        assert!(mean.abs() < five_sigma && (variance - 1.0).abs() < 1.5 * five_sigma);
        for shape in [1.6, 5.0] {
            let (mean, variance) = moments(|rng| gamma(shape, rng));
            assert!(
                (mean - shape).abs() < five_sigma * shape.sqrt(),
                "{shape}: {mean}"
            );
            // The kurtosis of a gamma density is 3 + 6 / shape.
            let tolerance = five_sigma * shape * (2.0 + 6.0 / shape).sqrt();
            assert!((variance - shape).abs() < tolerance, "{shape}: {variance}");
        }
        for expected in [0.02, 3.0, 60.0, 2e4] {
            let (mean, variance) = moments(|rng| poisson(expected, rng) as f64);
            assert!(
                (mean - expected).abs() < five_sigma * expected.sqrt(),
                "{expected}: {mean}"
            );
            let tolerance = five_sigma * (2.0 * expected * expected + expected).sqrt();
            assert!(
                (variance - expected).abs() < tolerance,
                "{expected}: {variance}"
            );
        }
    }
}
