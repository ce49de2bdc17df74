//! Closed forms for a master with workers: what a measured utilisation is compared with.
//!
//! `N` workers work `S` seconds on a task. Between two tasks of a worker stands the hub, which takes
//! `h` seconds per task (collect one result, hand out one task) and serves one after the other.

/// What limits a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Workers, `N`.
    pub workers: f64,
    /// Mean work of a task in seconds, `S`.
    pub service_s: f64,
    /// Time of the hub per task in seconds, `h`; 0 for a hub that takes none.
    pub hub_s: f64,
    /// Way to a worker and back in seconds, `d`.
    pub round_trip_s: f64,
    /// Tasks that a worker may hold, `c`, the running one included.
    pub credit: f64,
    /// Tasks that the Scanner may have out, if it limits that.
    pub window: Option<f64>,
}

impl Load {
    /// Upper bound of the throughput in tasks per second: the least of what the hub can serve, what
    /// the workers can do, what their credit lets them hold and what the window lets out.
    pub fn throughput_bound_per_s(&self) -> f64 {
        let cycle_s = self.service_s + self.round_trip_s + self.hub_s;
        let hub = 1.0 / self.hub_s;
        let workers = self.workers / self.service_s;
        let credit = self.workers * self.credit / cycle_s;
        let window = self.window.map_or(f64::INFINITY, |tasks| tasks / cycle_s);
        hub.min(workers).min(credit).min(window)
    }

    /// Upper bound of the utilisation, `U = X S / N`.
    pub fn utilisation_bound(&self) -> f64 {
        (self.throughput_bound_per_s() * self.service_s / self.workers).min(1.0)
    }

    /// Largest number of workers that the hub keeps busy: `S / h`, and `(S + d) / h + 1` where a
    /// worker holds one task only. `None` for a hub that takes no time.
    pub fn knee_workers(&self) -> Option<f64> {
        (self.hub_s > 0.0).then(|| match self.credit > 1.0 {
            true => self.service_s / self.hub_s,
            false => (self.service_s + self.round_trip_s) / self.hub_s + 1.0,
        })
    }
}

/// Throughput in tasks per second of `n` tasks that go round between a delay of `delay_s` (a worker
/// and the way to it, any law) and stations that serve one task at a time, in the order of arrival,
/// with exponential times of these means: exact mean value analysis (Reiser and Lavenberg, J. ACM
/// 27 (1980) 313).
pub fn mva_throughput_per_s(n: usize, delay_s: f64, stations_s: &[f64]) -> f64 {
    let mut queues = vec![0.0; stations_s.len()];
    let mut throughput = 0.0;
    for tasks in 1..=n {
        let residence: Vec<f64> = stations_s
            .iter()
            .zip(&queues)
            .map(|(service_s, queue)| service_s * (1.0 + queue))
            .collect();
        throughput = tasks as f64 / (delay_s + residence.iter().sum::<f64>());
        for (queue, residence) in queues.iter_mut().zip(residence) {
            *queue = throughput * residence;
        }
    }
    throughput
}

/// Utilisation by mean value analysis where each worker holds one task at a time.
pub fn mva_utilisation(n: usize, service_s: f64, round_trip_s: f64, stations_s: &[f64]) -> f64 {
    mva_throughput_per_s(n, service_s + round_trip_s, stations_s) * service_s / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mva_has_the_known_values() {
        // h = 15 ms, S = 30 s, d = 70 ms; found with an independent implementation.
        let known = [
            (500, 0.997),
            (1000, 0.997),
            (1500, 0.996),
            (2000, 0.981),
            (2500, 0.800),
            (3000, 0.667),
            (4000, 0.500),
        ];
        for (n, expected) in known {
            let utilisation = mva_utilisation(n, 30.0, 0.07, &[0.015]);
            assert!(
                (utilisation - expected).abs() <= 0.0005,
                "{n}: {utilisation} instead of {expected}"
            );
        }
    }

    #[test]
    fn one_task_meets_no_queue() {
        let throughput = mva_throughput_per_s(1, 2.0, &[0.5, 0.25]);
        assert!((throughput - 1.0 / 2.75).abs() < 1e-12);
    }

    #[test]
    fn the_least_bound_holds() {
        let load = Load {
            workers: 4000.0,
            service_s: 30.0,
            hub_s: 0.015,
            round_trip_s: 0.0,
            credit: 1.0,
            window: None,
        };
        assert!((load.utilisation_bound() - 0.5).abs() < 1e-12);
        assert!((load.knee_workers().unwrap() - 2001.0).abs() < 1e-9);
        let free = Load {
            hub_s: 0.0,
            credit: 2.0,
            ..load
        };
        assert_eq!(free.utilisation_bound(), 1.0);
        assert_eq!(free.knee_workers(), None);
        let windowed = Load {
            window: Some(2002.0),
            ..free
        };
        assert!((windowed.utilisation_bound() - 2002.0 / 4000.0).abs() < 1e-12);
    }
}
