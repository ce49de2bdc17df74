use super::*;
use crate::scenario::results::BrokerUse;
use crate::scenario::results::fixture::{point, report};
use crate::scenario::setup::Clock;

/// A calm and a busy point over RabbitMQ with shared connections, of 100 and 500 workers.
fn measured() -> Report {
    let mut calm = point("calm", 100, 0.99);
    let mut busy = point("busy", 500, 0.99);
    for point in [&mut calm, &mut busy] {
        let transport = &mut point.setup.transport;
        (transport.kind, transport.connections) = (Backend::Rabbitmq, Connections::Shared);
        point.setup.messages.task_bytes = Some(1008);
        point.setup.messages.result_bytes = Some(533);
        point.setup.messages.payload_bytes = 10_000;
        let run = &mut point.runs[0];
        run.tasks.accepted = 1000;
        // 200 bytes around each of a thousand tasks and results, and the event once.
        run.hub_bytes_sent = 10_000 + 1000 * (1008 + 200);
        run.hub_bytes_received = 1000 * (533 + 200);
    }
    busy.setup.workload.service.mean_s = 0.1;
    busy.runs[0].hub_cpu_us_per_task = 12.0;
    busy.runs[0].connection_s = Some(0.25);
    busy.runs[0].broker = Some(BrokerUse {
        cpu_us_per_task: 60.0,
        memory_mb: 100.0,
    });
    busy.runs[0].void = Some("it was late".to_owned());
    calm.runs[0].schedule_to_start_s.mean = 0.001_012;
    report(vec![calm, busy])
}

fn near(value: f64, expected: f64) -> bool {
    (value / expected - 1.0).abs() < 1e-9
}

#[test]
fn costs_are_read_off_the_busy_point_and_the_way_off_the_calm_one() {
    let calibration = Calibration::of(&measured()).unwrap();
    assert_eq!(calibration.most_workers, 500);
    assert_eq!(calibration.doubts, ["busy: it was late"]);
    let [costs] = calibration.costs.as_slice() else {
        panic!("{:?}", calibration.costs);
    };
    assert!(near(costs.hub_task_s, 12e-6), "{costs:?}");
    assert!(near(costs.broker_task_s.unwrap(), 60e-6));
    assert!(near(costs.connect_s, 0.0005));
    assert!(near(costs.round_trip_s, 0.001));
    assert_eq!(costs.frame_bytes, 200);
    let text = serde_json::to_string(&calibration).unwrap();
    assert_eq!(
        serde_json::from_str::<Calibration>(&text).unwrap(),
        calibration
    );
}

#[test]
fn a_real_scenario_becomes_the_same_in_virtual_time() {
    let calibration = Calibration::of(&measured()).unwrap();
    let mut real = scenario();
    let is_known = |kind: Backend, connections| {
        (kind, connections) == (Backend::Rabbitmq, Connections::Shared)
    };
    real.points.retain(|point| {
        let transport = &point.setup.transport;
        is_known(transport.kind, transport.connections)
    });
    let n_points = real.points.len();
    let predicted = real.clone().predicted(&calibration, 2.0).unwrap();
    assert_eq!(
        (predicted.clock, predicted.points.len()),
        (Clock::Virtual, n_points)
    );
    for point in &predicted.points {
        point.setup.check().unwrap();
        let network = &point.setup.network;
        assert!(
            near(network.hub.task_s, 2.0 * 6e-6),
            "hubs are twice as slow"
        );
        let broker = network.broker.unwrap();
        assert!(near(broker.task_s, 30e-6) && near(broker.connect_s, 0.0005));
        assert!(near(point.setup.mean_rtt_s(), 0.001));
    }
    let again = predicted.predicted(&calibration, 1.0);
    assert!(matches!(again, Err(CalibrationError::Unfit(_))));
    let unknown = scenario().predicted(&calibration, 1.0).unwrap_err();
    assert!(unknown.to_string().contains("Zeromq"), "{unknown}");
    let real = real.calibrated(&calibration);
    assert!(matches!(real, Err(CalibrationError::Unfit(_))));
}

#[test]
fn a_virtual_scenario_keeps_what_lies_between_the_machines() {
    let mut calibration = Calibration::of(&measured()).unwrap();
    calibration.costs[0].connections = Connections::Own;
    let text = include_str!("../../../../scenarios/rabbit-80k.toml");
    let written = Scenario::parse(text).unwrap();
    let calibrated = written.clone().calibrated(&calibration).unwrap();
    for (before, after) in written.points.iter().zip(&calibrated.points) {
        let (before, after) = (&before.setup.network, &after.setup.network);
        assert_eq!(
            (before.hub.gbps, &before.zones),
            (after.hub.gbps, &after.zones)
        );
        let (old, new) = (before.broker.unwrap(), after.broker.unwrap());
        assert_eq!((old.connections, old.gbps), (new.connections, new.gbps));
        assert!(near(new.task_s, 30e-6) && new.message_s == 0.0);
    }
    assert!(
        calibrated
            .remarks
            .last()
            .unwrap()
            .contains("at most 500 workers")
    );
}

#[test]
fn what_was_not_measured_is_named() {
    let mut report = measured();
    report.points[1].runs[0].connection_s = None;
    let error = Calibration::of(&report).unwrap_err();
    assert!(error.to_string().contains("time to connect"), "{error}");
}
