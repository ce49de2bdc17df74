use super::*;
use skyscan_event::DetectorDirection;
use skyscan_event::detector::Detector;
use skyscan_reco::synthetic::{Recipe, generate};
use skyscan_reco::{PixelRequest, Problem, VertexSeed};
use skyscan_sky::map::{PixelFit, PixelOutcome};

mod golden;

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
        systematic: 3,
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
        most_attempts: Some(8),
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
        report: Report::Outcomes(vec![PixelOutcome::Fitted(fit), failed]),
    }
}

/// The first fit of a result, to be spoilt.
fn fit_of(result: &mut ResultBody) -> &mut PixelFit {
    match &mut result.report {
        Report::Outcomes(outcomes) => match &mut outcomes[0] {
            PixelOutcome::Fitted(fit) => fit,
            PixelOutcome::Failed(reason) => panic!("{reason}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_survive_the_wire() {
    assert_eq!(TaskBody::decode(&task().encode()).unwrap(), task());
    let reports = [
        result().report,
        Report::Outcomes(vec![]),
        Report::Failed("no tables here".to_owned()),
        Report::NotBegun,
        Report::not_served("it asks for another reco", false),
        Report::not_served("it asks for another reco", true),
    ];
    for report in reports {
        let result = ResultBody {
            seconds: 0.5,
            report,
        };
        assert_eq!(ResultBody::decode(&result.encode()).unwrap(), result);
    }
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
    assert!(welcome.is_of_scan());
    assert!(!Welcome::of_no_scan().is_of_scan());
}

#[test]
fn a_pixel_costs_tens_of_bytes() {
    let mut many = task();
    many.requests = vec![many.requests[1].clone(); 100];
    let per_pixel = many.encode().len() / 100;
    assert!(per_pixel < 100, "{per_pixel}");
    let fit = match result().report {
        Report::Outcomes(outcomes) => outcomes[0].clone(),
        other => panic!("{other:?}"),
    };
    let many = ResultBody {
        seconds: 0.5,
        report: Report::Outcomes(vec![fit; 100]),
    };
    let per_pixel = many.encode().len() / 100;
    assert!(per_pixel < 70, "{per_pixel}");
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
    let task = TaskBody::decode(&with_a_new_field(&task().encode())).unwrap();
    assert_eq!(task, self::task());
    let result = ResultBody::decode(&with_a_new_field(&result().encode())).unwrap();
    assert_eq!(result, self::result());
}

/// What travels in the payload may grow too: at its top, and in the event and the detector.
#[test]
fn a_later_minor_may_add_to_the_problem() {
    let problem = problem();
    let text = serde_json::to_value(&problem).unwrap();
    let mut later = text.clone();
    for place in ["", "/event", "/detector"] {
        let object = later.pointer_mut(place).and_then(|v| v.as_object_mut());
        object.unwrap().insert("new".to_owned(), 1.into());
    }
    let bytes = rmp_serde::to_vec_named(&later).unwrap();
    assert_eq!(Problem::decode(&bytes).unwrap(), problem);
}

/// The map that the bytes are, with a field that nobody knows yet.
fn with_a_new_field(bytes: &[u8]) -> Vec<u8> {
    // A map of less than 16 fields has its length in its first byte.
    let n_fields = bytes[0] & 0x0f;
    assert!(bytes[0] >> 4 == 8 && n_fields < 15);
    let mut later = bytes.to_vec();
    later[0] += 1;
    later.extend(rmp_serde::to_vec("new").unwrap());
    later.extend(rmp_serde::to_vec(&[1, 2]).unwrap());
    later
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
    let mut forever = result();
    for seconds in [f64::NAN, f64::INFINITY, 1e308, -1.0] {
        forever.seconds = seconds;
        assert!(ResultBody::decode(&forever.encode()).is_err(), "{seconds}");
    }
}

/// The pixel is lost, the others of the result are not.
#[test]
fn a_fit_that_makes_no_sense_is_a_failure() {
    let spoilt: [fn(&mut PixelFit); 7] = [
        |fit| fit.llh = f64::NEG_INFINITY,
        |fit| fit.llh = 1e300,
        |fit| fit.position_m[1] = f64::NAN,
        |fit| fit.position_m[2] = -1e30,
        |fit| fit.time_ns = f64::INFINITY,
        |fit| fit.energy_inside_gev = Some(-1.0),
        |fit| fit.energy_total_gev = Some(1e200),
    ];
    for spoil in spoilt {
        let mut result = result();
        spoil(fit_of(&mut result));
        let Report::Outcomes(outcomes) = ResultBody::decode(&result.encode()).unwrap().report
        else {
            panic!("outcomes stay outcomes");
        };
        assert!(
            matches!(&outcomes[0], PixelOutcome::Failed(_)),
            "{result:?}"
        );
        assert_eq!(outcomes.len(), 2);
    }
}

#[test]
fn reasons_are_cut_and_plain() {
    let red = Report::failed("no \u{1b}[31mred\u{1b}[0m\nforged line");
    assert_eq!(
        red,
        Report::Failed("no  [31mred [0m forged line".to_owned())
    );
    let long = ResultBody {
        seconds: 0.0,
        report: Report::Failed("\u{e4}".repeat(10_000)),
    };
    assert!(long.encode().len() < 400);
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
                if let Ok(ResultBody {
                    report: Report::Outcomes(outcomes),
                    ..
                }) = ResultBody::decode(&bad)
                {
                    assert!(outcomes.len() <= MOST_REQUESTS);
                }
            }
        }
    }
}

fn problem() -> Problem {
    let detector = Detector::icecube86();
    let recipe = Recipe::of(1, 1e5);
    let event = generate(&detector, &recipe);
    Problem {
        event,
        detector,
        reco: "pandel-mpe".to_owned(),
        systematics: None,
    }
}

#[test]
fn a_problem_packs_small_and_the_same() {
    let problem = problem();
    let packed = pack_problem(&problem);
    assert_eq!(packed, pack_problem(&problem));
    assert!(packed.len() < 200_000, "{}", packed.len());
    assert_eq!(unpack_problem(&packed).unwrap(), problem);
    assert!(unpack_problem(&packed[..1000]).is_err());
}

/// Packs a megabyte of zeros after this beginning, so many times.
fn bomb(beginning: &[u8], n_megabytes: usize) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(beginning).unwrap();
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..n_megabytes {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

#[test]
fn a_bomb_is_not_unpacked() {
    // The name of a member, a gigabyte long; and one after a whole problem.
    let name = [0x81, 0xdb, 0x40, 0, 0, 0];
    for beginning in [name.to_vec(), problem().encode()] {
        let bomb = bomb(&beginning, 100);
        let packed_bytes = bomb.len() as u64;
        assert!(packed_bytes < 1 << 20, "{packed_bytes}");
        let error = unpack_problem(&bomb).unwrap_err().to_string();
        let most = (16 << 20) + 32 * packed_bytes;
        assert!(
            error.contains(&format!("more than {most} bytes")),
            "{error}"
        );
    }
    // What makes no sense ends it at its first byte.
    let error = unpack_problem(&bomb(&[], 100)).unwrap_err().to_string();
    assert_eq!(error, "failed to decode a problem");
}

fn said(seconds: f64, outcomes: Vec<PixelOutcome>) -> ResultBody {
    ResultBody {
        seconds,
        report: Report::Outcomes(outcomes),
    }
}

#[test]
fn a_task_may_take_days_and_have_a_thousand_pixels_and_no_more() {
    let decodes = |body: &ResultBody| ResultBody::decode(&body.encode()).is_ok();
    const DAY_S: f64 = 86_400.0;
    assert!(decodes(&said(29.0 * DAY_S, vec![])));
    assert!(!decodes(&said(31.0 * DAY_S, vec![])));
    let fits = |n| vec![skyscan_sky::map::fitted(1.0); n];
    assert!(decodes(&said(1.0, fits(1024))));
    assert!(!decodes(&said(1.0, fits(1025))));
}

#[test]
fn columns_of_unlike_length_are_refused() {
    #[derive(serde::Serialize)]
    struct Wire {
        seconds: f64,
        llh: serde_bytes::ByteBuf,
        vertex: serde_bytes::ByteBuf,
    }
    let decodes = |n_llh: usize, n_vertices: usize| {
        let wire = Wire {
            seconds: 1.0,
            llh: vec![0; 8 * n_llh].into(),
            vertex: vec![0; 32 * n_vertices].into(),
        };
        ResultBody::decode(&rmp_serde::to_vec_named(&wire).unwrap()).is_ok()
    };
    assert!(decodes(2, 2));
    assert!(!decodes(2, 1));
    assert!(!decodes(1, 2));
}

#[test]
fn a_fit_that_cannot_be_says_why() {
    let fit = |llh, x| {
        PixelOutcome::Fitted(skyscan_sky::map::PixelFit {
            llh,
            position_m: [x, 0.0, 0.0],
            time_ns: 0.0,
            energy_inside_gev: None,
            energy_total_gev: None,
        })
    };
    let body = said(1.0, vec![fit(f64::INFINITY, 0.0), fit(1.0, f64::INFINITY)]);
    let reasons = ["llh is inf", "the fit is not finite, or absurd"];
    let failed = reasons.map(|reason| PixelOutcome::Failed(reason.to_owned()));
    let decoded = ResultBody::decode(&body.encode()).unwrap();
    assert_eq!(decoded.report, Report::Outcomes(failed.to_vec()));
}

#[test]
fn a_task_says_nothing_of_what_it_does_not_have() {
    let of = |n_requests, n_seeds| {
        let mut request = task().requests[1].clone();
        request.seeds = vec![task().requests[1].seeds[0]; n_seeds];
        TaskBody {
            systematic: 0,
            requests: vec![request; n_requests],
            most_attempts: None,
        }
    };
    let bytes = |n_requests, n_seeds| of(n_requests, n_seeds).encode();
    assert!(!bytes(1, 0).windows(10).any(|name| name == b"systematic"));
    // Two numbers for a direction, four for a start.
    assert_eq!(bytes(200, 0).len() - bytes(100, 0).len(), 100 * 16);
    for (n_requests, n_seeds) in [(1024, 0), (3, 1), (2, 64)] {
        let task = of(n_requests, n_seeds);
        assert_eq!(TaskBody::decode(&task.encode()).unwrap(), task);
    }
    assert!(TaskBody::decode(&bytes(1025, 0)).is_err());
}

#[test]
fn starts_that_do_not_fit_their_directions_are_refused() {
    #[derive(serde::Serialize)]
    struct Wire {
        directions: serde_bytes::ByteBuf,
        n_seeds: Vec<u8>,
        seeds: serde_bytes::ByteBuf,
    }
    let decodes = |n_directions: usize, n_seeds: &[u8], n_starts: usize| {
        let wire = Wire {
            directions: vec![0; 16 * n_directions].into(),
            n_seeds: n_seeds.to_vec(),
            seeds: vec![0; 32 * n_starts].into(),
        };
        TaskBody::decode(&rmp_serde::to_vec_named(&wire).unwrap()).is_ok()
    };
    assert!(decodes(2, &[1, 2], 3));
    assert!(!decodes(2, &[3], 3));
    assert!(!decodes(2, &[1, 2], 2));
    assert!(!decodes(1, &[65], 65));
}
