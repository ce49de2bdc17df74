use super::*;
use rand_distr::Gamma;
use skyscan_event::detector::{Detector, IceLayer};
use skyscan_reco::light::learned::components::Components;

/// The gamma density, by the logarithms of its shape and rate.
struct GammaDensity;

impl Density<2> for GammaDensity {
    type Seen = f64;
    const FIRST_OFFSETS: [f64; 2] = [0.0, -5.0];
    const JITTER_NS: f64 = 0.0;

    fn ln_density(outputs: &[f64; 2], _: f64, delay_ns: f64) -> (f64, [f64; 2]) {
        let [shape, rate] = outputs.map(libm::exp);
        let late = rate * delay_ns;
        let value =
            shape * outputs[1] + (shape - 1.0) * libm::log(delay_ns) - late - libm::lgamma(shape);
        let h = 1e-5;
        let digamma = (libm::lgamma(shape + h) - libm::lgamma(shape - h)) / (2.0 * h);
        let by_shape = outputs[1] + libm::log(delay_ns) - digamma;
        (value, [shape * by_shape, shape - late])
    }
}

/// Shape and rate of the delays that are to be learned: both change with the distance, the rate also with the
/// direction.
fn truth(sample: &Sample) -> [f64; 2] {
    let shape = 0.6 + sample.distance_m / 50.0;
    [shape, 0.01 * libm::exp(0.5 * sample.cos_zenith)]
}

fn samples(n: usize) -> Vec<Sample> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let one = |_| {
        let mut sample = Sample {
            distance_m: random.random_range(2.0..150.0),
            cos_round: random.random_range(-1.0..1.0),
            dom_z_m: random.random_range(-400.0..400.0),
            cos_zenith: random.random_range(-1.0..1.0),
            bare: random.random_range(0.0..1.0) < 0.5,
            delay_ns: 0.0,
            weight: 1.0,
        };
        sample.weight = libm::exp(-sample.distance_m / FALL_M);
        let [shape, rate] = truth(&sample);
        let gamma = Gamma::new(shape, 1.0 / rate).unwrap();
        sample.delay_ns = gamma.sample(&mut random).max(1e-6);
        sample
    };
    (0..n).map(one).collect()
}

fn layers_of_icecube() -> Vec<IceLayer> {
    Detector::icecube86().ice
}

/// Features of samples that no lesson had.
fn strangers(ice: &Ice) -> Vec<(Sample, [f64; N_FEATURES])> {
    let unseen = samples(60_000).split_off(59_700);
    let told = |sample: &Sample| lesson(sample, ice, 1.0, 0.0).features;
    unseen
        .iter()
        .map(|sample| (*sample, told(sample)))
        .collect()
}

#[test]
fn a_known_gamma_density_is_found_again() {
    let ice = Ice::new(&layers_of_icecube());
    let course = Course {
        seed: 1,
        n_steps: 400,
    };
    let network =
        learn_density::<GammaDensity, 2>(&samples(50_000), &ice, course, |_, _| ()).unwrap();
    let mut square = [0.0; 2];
    let strangers = strangers(&ice);
    for (sample, features) in &strangers {
        let (found, expected) = (network.outputs(features), truth(sample));
        for i in 0..2 {
            square[i] += (found[i] - libm::log(expected[i])).powi(2);
        }
    }
    let rms = square.map(|sum| (sum / strangers.len() as f64).sqrt());
    assert!(rms[0] < 0.06 && rms[1] < 0.06, "{rms:?}");
}

#[test]
fn four_components_come_close_to_a_gamma_density() {
    let ice = Ice::new(&layers_of_icecube());
    let course = Course {
        seed: 1,
        n_steps: 400,
    };
    let network = learn(&samples(50_000), &ice, course, |_, _| ()).unwrap();
    let mut worst: f64 = 0.0;
    for (sample, features) in strangers(&ice) {
        if sample.distance_m < 20.0 {
            continue;
        }
        let outputs = network.outputs(&features);
        let components = Components::from_outputs(&outputs, sample.distance_m);
        let [shape, rate] = truth(&sample);
        let gamma = Gamma::new(shape, 1.0 / rate).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(9);
        let mut draws: Vec<f64> = (0..2_000).map(|_| gamma.sample(&mut random)).collect();
        draws.sort_by(f64::total_cmp);
        for share in [0.1, 0.3, 0.5, 0.9] {
            let expected = draws[(share * 2_000.0) as usize];
            worst = worst.max((components.come_until(expected) - share).abs());
        }
    }
    // 0.02 of it is chance.
    assert!(worst < 0.09, "{worst}");
}

fn lessons(n: usize) -> Vec<Lesson<f64>> {
    let ice = Ice::new(&layers_of_icecube());
    let samples = samples(n);
    samples
        .iter()
        .map(|s| lesson(s, &ice, s.weight, 1.5))
        .collect()
}

#[test]
fn the_gradient_is_the_derivative() {
    let lessons = lessons(40);
    let network = first_network::<FourComponents, N_PARAMETERS>(3);
    let mean = |network: &Network<N_PARAMETERS>| {
        Gradient::of::<FourComponents, N_PARAMETERS>(network, &lessons)
            .mean()
            .1
    };
    let (gradient, _) = Gradient::of::<FourComponents, N_PARAMETERS>(&network, &lessons).mean();
    for i in (0..gradient.len()).step_by(7) {
        let moved = |step: f64| {
            let mut network = network.clone();
            network.weights_mut()[i] += step;
            mean(&network)
        };
        let numeric = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!(
            (numeric - gradient[i]).abs() < 1e-6 * (1.0 + gradient[i].abs()),
            "weight {i}: {numeric} {}",
            gradient[i]
        );
    }
}

#[test]
fn no_number_of_threads_changes_the_gradient() {
    let lessons = lessons(1_000);
    let network = first_network::<FourComponents, N_PARAMETERS>(3);
    let on = |n_threads| gradient_on::<FourComponents, N_PARAMETERS>(n_threads, &network, &lessons);
    assert_eq!(on(1), on(2));
    assert_eq!(on(1), on(5));
}

#[test]
fn what_was_scaled_is_known_by_the_weights() {
    let lessons = lessons(200);
    let scale = Scale::of(&lessons);
    let scaled = first_network::<FourComponents, N_PARAMETERS>(3);
    let mut folded = scaled.clone();
    scale.fold_into(&mut folded);
    for lesson in &lessons {
        let expected = scaled.outputs(&scale.apply(&lesson.features));
        for (a, b) in folded.outputs(&lesson.features).iter().zip(expected) {
            assert!((a - b).abs() < 1e-9);
        }
    }
}

#[test]
fn nothing_is_learned_from_nothing() {
    let ice = Ice::new(&layers_of_icecube());
    let course = Course {
        seed: 1,
        n_steps: 1,
    };
    assert!(learn(&[], &ice, course, |_, _| ()).is_none());
}
