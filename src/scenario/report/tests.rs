use super::verdict::{Limit, limit, verdicts};
use super::*;
use crate::scenario::results::Point;
use crate::scenario::results::fixture::{interval, point, report};
use crate::scenario::setup::{EventForm, Preemption};

#[test]
fn the_limit_is_named() {
    assert_eq!(limit(&point("", 1000, 0.99)), Limit::Workers);
    assert_eq!(limit(&point("", 4000, 0.49)), Limit::EmulatedHub);

    let mut windowed = point("", 4000, 0.5);
    windowed.setup.transport.window = Some(2002);
    assert_eq!(limit(&windowed), Limit::Window);
    windowed.setup.transport.window = Some(3900);
    assert_eq!(
        limit(&windowed),
        Limit::EmulatedHub,
        "a wide window is not it"
    );

    let mut own = point("", 4000, 0.5);
    own.theory.emulated_hub_s = 0.0;
    own.mean.hub_cpu_us_per_task = interval(14_000.0);
    assert_eq!(limit(&own), Limit::Hub);
    own.setup.messages.event = EventForm::Inline;
    assert_eq!(limit(&own), Limit::Payload);
    own.mean.broker_cpu_us_per_task = interval(20_000.0);
    assert_eq!(limit(&own), Limit::Broker);

    let mut idle = point("", 4000, 0.5);
    idle.theory.emulated_hub_s = 0.0;
    assert_eq!(limit(&idle), Limit::Credit);
    let mut taken = idle.clone();
    taken.setup.faults.preemption = Some(Preemption {
        per_min: 0.05,
        back_after_s: 60.0,
        notice_s: None,
        notice_share: None,
        pool: None,
    });
    assert_eq!(limit(&taken), Limit::Losses);
    idle.setup.transport.credit = 2.try_into().unwrap();
    assert_eq!(limit(&idle), Limit::Unknown);
    idle.mean.utilisation = None;
    assert_eq!(limit(&idle), Limit::Connections);
    idle.tally.voids.push("the fleet was late".to_owned());
    assert_eq!(limit(&idle), Limit::Generator);
}

#[test]
fn a_variant_holds_up_to_its_first_failure() {
    let report = report(vec![
        point("b", 4000, 0.5),
        point("b", 1000, 0.99),
        point("b", 2000, 0.96),
        point("b", 8000, 0.97),
        point("a", 1000, 0.98),
    ]);
    let verdicts = verdicts(&report);
    assert_eq!(verdicts[0].variant, "b");
    assert_eq!(verdicts[0].holds, Some((2000, 0.96)));
    assert_eq!(verdicts[0].fails, Some((4000, 0.5)));
    let text = verdicts[0].to_string();
    assert!(text.contains("up to 2,000, not at 4,000 (0.500)"), "{text}");
    assert!(text.contains("N* = 2,001"), "{text}");
    assert_eq!(verdicts[1].fails, None);
    assert!(verdicts[1].to_string().contains("every size that counts"));
}

#[test]
fn a_run_that_was_over_too_soon_is_not_judged() {
    let mut short = point("", 4000, 0.5);
    short.mean.utilisation = None;
    short.mean.connection_s = interval(1.0);
    let verdicts = verdicts(&report(vec![point("", 1000, 0.99), short.clone()]));
    assert_eq!(
        (verdicts[0].holds, verdicts[0].fails),
        (Some((1000, 0.99)), None)
    );
    let verdicts = super::verdict::verdicts(&report(vec![short]));
    assert!(verdicts[0].to_string().starts_with("was over before"));
}

#[test]
fn a_report_is_a_page_charts_and_tables() {
    let dir = std::env::temp_dir().join(format!("skyscan-report-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let report = report(vec![point("slow", 1000, 0.99), point("slow", 4000, 0.5)]);
    let files = write_all(&dir, &report).unwrap();
    let names: Vec<&str> = files
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    assert_eq!(names.last(), Some(&"report.html"));
    for name in [
        "utilisation.png",
        "utilisation.svg",
        "tail.png",
        "waiting-histogram.svg",
        "waiting-over-time.png",
        "points.csv",
        "table.txt",
        "runs.csv",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let page = std::fs::read_to_string(dir.join("report.html")).unwrap();
    assert!(page.contains("Who is &lt;busy&gt; at 2,000 &amp; more?"));
    assert!(page.contains("not at 4,000") && page.contains("calibrated"));
    let again: Report =
        serde_json::from_slice(&std::fs::read(dir.join("report.json")).unwrap()).unwrap();
    assert_eq!(again, report);
    for (name, n_rows) in [("points.csv", 2), ("runs.csv", 2)] {
        // The reader refuses rows of different lengths.
        let rows: Vec<csv::StringRecord> = csv::Reader::from_path(dir.join(name))
            .unwrap()
            .into_records()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(rows.len(), n_rows);
        assert_eq!(&rows[0][1], "slow");
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

/// A point that says nothing, since its load generator was the bottleneck.
fn void(workers: usize, utilisation: f64) -> Point {
    let mut void = point("", workers, utilisation);
    void.tally.voids.push("the fleet was late".to_owned());
    void.runs[0].void = Some("the fleet was late".to_owned());
    void
}

#[test]
fn a_void_point_is_drawn_apart_and_judges_nothing() {
    let found = report(vec![
        point("", 1000, 0.99),
        void(2000, 0.2),
        void(4000, 0.99),
    ]);
    let verdict = verdicts(&found).remove(0);
    assert_eq!((verdict.holds, verdict.fails), (Some((1000, 0.99)), None));
    let said = verdict.to_string();
    assert!(
        said.contains("every size that counts, up to 1,000"),
        "{said}"
    );
    assert!(said.contains("2 sizes are void"), "{said}");
    for (_, figure) in charts::all(&found) {
        let svg = drawing::svg(&figure).unwrap();
        assert!(svg.contains("void, does not count"));
    }
    let alone = verdicts(&report(vec![void(2000, 0.99)]));
    assert!(alone[0].to_string().starts_with("cannot be judged"));
}

#[test]
fn a_quick_form_and_a_single_repeat_say_so_where_they_are_shown() {
    let mut report = report(vec![point("a", 52, 0.9), point("a", 208, 0.9)]);
    report.is_quick = true;
    let text = table::text(&report, table::NARROW);
    assert!(text.contains("QUICK FORM, 52 to 208 workers"), "{text}");
    for (_, figure) in charts::all(&report) {
        let svg = drawing::svg(&figure).unwrap();
        assert!(svg.contains("QUICK FORM, 52 to 208 workers"));
        assert!(svg.contains("one repeat each, so without intervals"));
        assert!(!svg.contains("95 %"));
    }
    let page = page::html(&report, &[]);
    assert!(page.contains("<h1>QUICK FORM, 52 to 208 workers"));
    assert!(page.contains("<h2>Measured</h2>"));
    (report.clock, report.machine) = (crate::scenario::setup::Clock::Virtual, None);
    let page = page::html(&report, &[]);
    assert!(page.contains("virtual time</h2>") && !page.contains("<h2>Measured"));
}

#[test]
fn a_table_folds_and_explains_its_words() {
    let name = "a variant of a long name";
    let report = report(vec![point(name, 1000, 0.99), point(name, 400_000, 0.5)]);
    for width in [60, 80, 120, 400] {
        let text = table::text(&report, width);
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        for words in ["400,000", "hub us", "N*: the knee", "bound: the"] {
            assert!(text.contains(words), "{words} in {text}");
        }
        assert!(!text.contains("moved GB"), "nothing was moved");
        assert!(!text.contains("MVA: "), "there is none");
        let blocks = text
            .lines()
            .filter(|line| line.starts_with("variant "))
            .count();
        assert_eq!(blocks > 1, width < 400, "{width}");
    }
}
