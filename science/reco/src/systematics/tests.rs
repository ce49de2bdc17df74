use super::*;
use crate::promises::problem;
use crate::{KernelError, Problem, Reco, built_in};

fn reco(name: &str) -> std::sync::Arc<dyn Reco> {
    built_in()
        .into_iter()
        .find(|reco| reco.name() == name)
        .unwrap()
}

/// Where the full set comes from: drawn again it is the file, which is written beside if it is not.
#[test]
fn the_full_set_is_what_its_seed_draws() {
    let shipped: &[u8] = include_bytes!("full.json");
    let sources = [
        "Scattering and absorption as a whole: even within 10 %, the range that IceCube simulates (SnowStorm; M. G. \
         Aartsen et al., JCAP 10 (2019) 048, arXiv:1909.01530)",
        "Each 100 m of depth: 5 % beside that, scattering and absorption each (assumed: half of the range as a whole)",
        "Refrozen holes: in half of them an older curve of the acceptance (as.dat of the ice SPICE 3, icecube/ppc) \
         instead of H2",
        "Timing: every string off by half a metre of light's way, 2.2 ns (assumed; clocks, 1.2 ns by R. Abbasi et al., \
         NIM A 601 (2009) 294, are in the jitter of the likelihoods)",
        "Drawn by science/reco/src/systematics/draw.rs with seed 1",
    ];
    let sources = sources.map(str::to_owned).to_vec();
    let drawn = SystematicSet::new("full".to_owned(), sources, drawn(100, 1)).unwrap();
    let text = drawn.to_json();
    if text.as_bytes() != shipped {
        let beside = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/systematics/full.json.modified"
        );
        std::fs::write(beside, text).unwrap();
        panic!("the file that ships is another one: compare with {beside}");
    }
}

#[test]
fn sets_that_ship_are_for_the_usual_reco() {
    let (quick, full) = (SystematicSet::quick(), SystematicSet::full());
    assert_eq!((quick.len(), full.len()), (7, 100));
    for systematic in quick.systematics.iter().chain(&full.systematics) {
        assert!(reco("photon-mpe").under(systematic).is_ok());
    }
    assert_eq!(quick.get(1), Some(&Systematic::named("as described")));
    assert_eq!((quick.get(0), quick.get(8)), (None, None));
    assert_ne!(quick.sha256_hex(), full.sha256_hex());
}

#[test]
fn what_a_reco_knows_nothing_of_is_refused_in_words() {
    let older = Systematic {
        hole_ice: HoleIce::Older,
        ..Systematic::named("older")
    };
    let brighter = Systematic {
        dom_efficiency: 1.1,
        ..Systematic::named("brighter")
    };
    let refusal = |name: &str, systematic| reco(name).under(systematic).unwrap_err();
    assert!(refusal("pandel-mpe", &older).contains("hole_ice"));
    for name in ["pandel-mpe", "photon-mpe"] {
        assert!(refusal(name, &brighter).contains("dom_efficiency"));
    }
}

#[test]
fn a_set_with_nonsense_is_refused_in_words() {
    let of = |systematic: &str| {
        let text = format!(
            "{{\"format\":\"skyscan-systematics-1\",\"name\":\"n\",\"sources\":[],\"systematics\":[{systematic}]}}"
        );
        SystematicSet::read(text.as_bytes()).map_err(|error| error.to_string())
    };
    assert!(of(r#"{"name":"a"},{"name":"b","scattering":1.1}"#).is_ok());
    for (wrong, word) in [
        ("", "0 systematics"),
        (r#"{"name":"a"},{"name":"a"}"#, "two systematics"),
        (r#"{"name":""}"#, "1 to 60 characters"),
        (r#"{"name":"a\u001b[31m"}"#, "that can be printed"),
        (r#"{"name":"a","scattering":0}"#, "no factor"),
        (r#"{"name":"a","scatering":1.1}"#, "unknown field"),
        (r#"{"name":"a","bands":[[100,0,1,1]]}"#, "upside down"),
        (
            r#"{"name":"a","timing":{"spread_ns":-1,"seed":1}}"#,
            "spread",
        ),
    ] {
        let error = of(wrong).unwrap_err();
        assert!(error.contains(word), "{wrong}: {error}");
    }
    let named = SystematicSet::new("a\nb".to_owned(), vec![], vec![Systematic::named("a")]);
    assert!(named.unwrap_err().to_string().contains("its own name"));
}

#[test]
fn ice_and_times_change_as_they_are_told_to() {
    let problem = problem(3, 1e5);
    let dusty = Systematic {
        scattering: 1.25,
        absorption: 0.8,
        bands: vec![[-100.0, 100.0, 2.0, 1.0]],
        ..Systematic::named("dusty")
    };
    let changed = dusty.applied(&problem);
    assert_eq!(changed.event, problem.event);
    for (before, after) in problem.detector.ice.iter().zip(&changed.detector.ice) {
        let within = (-100.0..100.0).contains(&before.z_m);
        let scattering = before.scattering_length_m / after.scattering_length_m;
        assert!((scattering - if within { 2.5 } else { 1.25 }).abs() < 1e-12);
        assert!((before.absorption_length_m / after.absorption_length_m - 0.8).abs() < 1e-12);
    }
    let late = Systematic {
        timing: Some(Timing {
            spread_ns: 2.0,
            seed: 5,
        }),
        ..Systematic::named("late")
    };
    let changed = late.applied(&problem);
    assert_eq!(changed.detector, problem.detector);
    let pulses = problem.event.pulses.iter().zip(&changed.event.pulses);
    let mut by_string = std::collections::BTreeMap::new();
    for (before, after) in pulses {
        let offset = after.time_ns - before.time_ns;
        let known = *by_string.entry(before.dom.string).or_insert(offset);
        assert!((offset - known).abs() < 1e-9, "one offset for each string");
    }
    let squares: f64 = by_string.values().map(|offset| offset * offset).sum();
    let spread = (squares / by_string.len() as f64).sqrt();
    assert!(
        (1.2..2.8).contains(&spread),
        "{spread} of {}",
        by_string.len()
    );
    assert_eq!(late.applied(&problem), changed);
}

/// A change that a reconstruction says it knows of does change its fit.
#[test]
fn every_systematic_of_the_quick_set_moves_the_likelihood() -> Result<(), KernelError> {
    let problem: Problem = problem(3, 1e5);
    let request = crate::PixelRequest {
        direction: crate::promises::truth(&problem),
        seeds: Vec::new(),
    };
    let mut seen = Vec::new();
    for systematic in &SystematicSet::quick().systematics {
        let kernel = reco("photon-mpe")
            .under(systematic)
            .unwrap()
            .prepare(&systematic.applied(&problem))?;
        let evaluating = kernel.evaluate(vec![request.clone()], crate::StopFlag::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let outcomes = runtime.block_on(evaluating)?;
        match &outcomes[0] {
            skyscan_sky::map::PixelOutcome::Fitted(fit) => {
                assert!(
                    !seen.contains(&fit.llh.to_bits()),
                    "{} changes nothing",
                    systematic.name
                );
                seen.push(fit.llh.to_bits());
            }
            skyscan_sky::map::PixelOutcome::Failed(reason) => panic!("{reason}"),
        }
    }
    Ok(())
}
