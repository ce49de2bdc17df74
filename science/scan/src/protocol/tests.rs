use super::*;
use skyscan_event::DetectorDirection;
use skyscan_event::detector::Detector;
use skyscan_reco::synthetic::{Recipe, generate};
use skyscan_reco::{PixelRequest, Problem, VertexSeed};
use skyscan_sky::map::{PixelFit, PixelOutcome};

fn task() -> TaskBody {
    let direction = DetectorDirection {
        zenith_rad: 1.5,
        azimuth_rad: 0.25,
    };
    let seed = VertexSeed {
        position_m: [1.0, -2.0, 3.5],
        time_ns: 10_000.0,
    };
    TaskBody {
        requests: vec![
            PixelRequest {
                direction,
                seeds: vec![],
            },
            PixelRequest {
                direction,
                seeds: vec![seed; 2],
            },
        ],
    }
}

fn result() -> ResultBody {
    let fit = PixelFit {
        llh: 1234.5,
        position_m: [1.0, -2.0, 3.5],
        time_ns: 9_999.0,
        energy_inside_gev: Some(1e5),
        energy_total_gev: None,
    };
    let failed = PixelOutcome::Failed("too dark".to_owned());
    ResultBody {
        seconds: 0.5,
        outcomes: vec![PixelOutcome::Fitted(fit), failed],
    }
}

#[test]
fn messages_survive_the_wire() {
    assert_eq!(TaskBody::decode(&task().encode()).unwrap(), task());
    assert_eq!(ResultBody::decode(&result().encode()).unwrap(), result());
    let hello = Hello {
        slots: 8,
        recos: vec!["pandel-mpe".to_owned()],
        build: "0.1.0".to_owned(),
    };
    assert_eq!(Hello::decode(&hello.encode()).unwrap(), hello);
    let welcome = Welcome {
        reco: "pandel-mpe".to_owned(),
        payload: [7; 32],
    };
    assert_eq!(Welcome::decode(&welcome.encode()).unwrap(), welcome);
}

#[test]
fn a_pixel_costs_tens_of_bytes() {
    let mut many = task();
    many.requests = vec![many.requests[1].clone(); 100];
    let per_pixel = many.encode().len() / 100;
    assert!(per_pixel < 100, "{per_pixel}");
}

#[test]
fn a_later_minor_may_add_a_field() {
    #[derive(serde::Serialize)]
    struct Later {
        slots: u16,
        recos: Vec<String>,
        build: String,
        gpus: u16,
    }
    let later = Later {
        slots: 2,
        recos: vec![],
        build: "9".to_owned(),
        gpus: 4,
    };
    let hello = Hello::decode(&rmp_serde::to_vec_named(&later).unwrap()).unwrap();
    assert_eq!(hello.slots, 2);
}

#[test]
fn nonsense_is_refused() {
    let mut not_finite = task();
    not_finite.requests[0].direction.zenith_rad = f64::NAN;
    let error = TaskBody::decode(&not_finite.encode())
        .unwrap_err()
        .to_string();
    assert!(error.contains("not finite"), "{error}");
    let mut many = task();
    many.requests = vec![many.requests[0].clone(); MOST_REQUESTS + 1];
    assert!(TaskBody::decode(&many.encode()).is_err());
    let mut infinite = result();
    if let PixelOutcome::Fitted(fit) = &mut infinite.outcomes[0] {
        fit.llh = f64::NEG_INFINITY;
    }
    let decoded = ResultBody::decode(&infinite.encode()).unwrap();
    assert!(matches!(&decoded.outcomes[0], PixelOutcome::Failed(_)));
}

/// Every prefix and every single flipped byte ends in a value or an error.
#[test]
fn damaged_messages_never_panic() {
    for good in [task().encode(), result().encode()] {
        for end in 0..good.len() {
            assert!(TaskBody::decode(&good[..end]).is_err());
            assert!(ResultBody::decode(&good[..end]).is_err());
        }
        for at in 0..good.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= flip;
                if let Ok(task) = TaskBody::decode(&bad) {
                    assert!(task.requests.len() <= MOST_REQUESTS);
                }
                if let Ok(result) = ResultBody::decode(&bad) {
                    assert!(result.outcomes.len() <= MOST_REQUESTS);
                }
            }
        }
    }
}

#[test]
fn a_problem_packs_small_and_the_same() {
    let detector = Detector::icecube86();
    let recipe = Recipe {
        seed: 1,
        direction: None,
        energy_gev: Some(1e5),
        mjd: 60_000.0,
    };
    let event = generate(&detector, &recipe);
    let problem = Problem {
        event,
        detector,
        reco: "pandel-mpe".to_owned(),
    };
    let packed = pack_problem(&problem);
    assert_eq!(packed, pack_problem(&problem));
    assert!(packed.len() < 200_000, "{}", packed.len());
    assert_eq!(unpack_problem(&packed).unwrap(), problem);
    assert!(unpack_problem(&packed[..1000]).is_err());
}

#[test]
fn a_bomb_is_not_unpacked() {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..300 {
        encoder.write_all(&zeros).unwrap();
    }
    let error = unpack_problem(&encoder.finish().unwrap())
        .unwrap_err()
        .to_string();
    assert!(error.contains("more than"), "{error}");
}
