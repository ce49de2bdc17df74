//! What the operating system knows of this machine and of processes: the one place that asks `/proc`.

use std::fs;

use procfs::process::{LimitValue, Process};
use procfs::{Current, CurrentSI, KernelStats, LoadAverage, ticks_per_second};

use crate::scenario::results::Machine;

fn process(pid: u32) -> Option<Process> {
    Process::new(i32::try_from(pid).ok()?).ok()
}

/// CPU time that a process has used, all its threads together, in seconds. `None` if it is gone.
pub(in crate::scenario) fn cpu_s(pid: u32) -> Option<f64> {
    let stat = process(pid)?.stat().ok()?;
    Some((stat.utime + stat.stime) as f64 / ticks_per_second() as f64)
}

/// How long the threads of a process, all together, were ready to run and had to wait for a core, in
/// seconds. `None` if it is gone, or the kernel keeps no such account.
pub(in crate::scenario) fn waited_s(pid: u32) -> Option<f64> {
    let threads = process(pid)?.tasks().ok()?;
    let waits_ns = threads
        .flatten()
        .map(|thread| Some(thread.schedstat().ok()?.run_delay));
    let waits_ns: Vec<u64> = waits_ns.flatten().collect();
    (!waits_ns.is_empty()).then(|| 1e-9 * waits_ns.iter().sum::<u64>() as f64)
}

/// Most memory that a process has had, in MB. `None` if it is gone.
pub(in crate::scenario) fn peak_memory_mb(pid: u32) -> Option<f64> {
    let kib = process(pid)?.status().ok()?.vmhwm?;
    Some(kib as f64 * 1024.0 / 1e6)
}

/// CPU time that all cores have used for anything, in seconds.
pub(in crate::scenario) fn all_cpu_s() -> Option<f64> {
    let total = KernelStats::current().ok()?.total;
    let interrupts = [total.irq, total.softirq, total.steal];
    let busy = total.user + total.nice + total.system;
    let ticks = busy + interrupts.into_iter().flatten().sum::<u64>();
    Some(ticks as f64 / ticks_per_second() as f64)
}

/// Number of cores.
pub(in crate::scenario) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Load average of the last minute; 0 if it cannot be read.
pub(in crate::scenario) fn load() -> f64 {
    // The kernel tells two digits.
    LoadAverage::current().map_or(0.0, |load| (100.0 * f64::from(load.one)).round() / 100.0)
}

/// Files that a process may have open. `None` without a limit, or if that cannot be read.
pub(in crate::scenario) fn most_files() -> Option<usize> {
    let limits = Process::myself().ok()?.limits().ok()?;
    match limits.max_open_files.soft_limit {
        LimitValue::Value(files) => usize::try_from(files).ok(),
        LimitValue::Unlimited => None,
    }
}

/// Ports that connections can go out from. `None` if that cannot be read.
pub(in crate::scenario) fn n_ports() -> Option<usize> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = range.split_ascii_whitespace().map(str::parse::<usize>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    Some(last.saturating_sub(first) + 1)
}

/// Threads that the whole system may have. `None` if that cannot be read.
pub(in crate::scenario) fn most_threads() -> Option<usize> {
    usize::try_from(procfs::sys::kernel::threads_max().ok()?).ok()
}

/// This machine, before a replay.
pub(in crate::scenario) fn describe() -> Machine {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Machine {
        skyscan: env!("CARGO_PKG_VERSION").to_owned(),
        cores: cores(),
        kernel: kernel.trim().to_owned(),
        load_before: load(),
        load_after: load(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_this_process() {
        let pid = std::process::id();
        let before = cpu_s(pid).unwrap();
        let mut x = 0u64;
        while cpu_s(pid).unwrap() < before + 0.05 {
            x = std::hint::black_box(x.wrapping_add(1));
        }
        assert!(peak_memory_mb(pid).unwrap() > 1.0);
        assert!(waited_s(pid).is_none_or(|waited_s| waited_s >= 0.0));
        assert_eq!(waited_s(u32::MAX), None);
        assert!(all_cpu_s().unwrap() > before);
        assert_eq!(cpu_s(u32::MAX), None);
    }

    #[test]
    fn knows_what_this_machine_allows() {
        assert!(most_files().is_none_or(|files| files > 2));
        assert!(n_ports().unwrap() > 1);
        assert!(most_threads().unwrap() > 1);
    }
}
