//! What the operating system knows of this machine and of processes, from `/proc`.

use std::fs;

use crate::scenario::results::Machine;

/// Unit of CPU times in `/proc` per second: `USER_HZ`, the same on every Linux that runs us.
const TICKS_PER_S: f64 = 100.0;

/// CPU time that a process has used, all its threads together, in seconds. `None` if it is gone.
pub(in crate::scenario) fn cpu_s(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field, the name in parentheses, may hold anything; utime and stime are 14 and 15.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_S)
}

/// How long the threads of a process, all together, were ready to run and had to wait for a core, in
/// seconds. `None` if it is gone, or the kernel keeps no such account.
pub(in crate::scenario) fn waited_s(pid: u32) -> Option<f64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let waited_ns = |thread: fs::DirEntry| {
        // Time on a core, time waiting for one, number of slices.
        let told = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        told.split_ascii_whitespace().nth(1)?.parse::<f64>().ok()
    };
    let waits: Vec<f64> = threads.flatten().filter_map(waited_ns).collect();
    (!waits.is_empty()).then(|| 1e-9 * waits.iter().sum::<f64>())
}

/// Most memory that a process has had, in MB. `None` if it is gone.
pub(in crate::scenario) fn peak_memory_mb(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = kib.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// CPU time that all cores have used for anything, in seconds.
pub(in crate::scenario) fn all_cpu_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> = stat
        .lines()
        .next()?
        .split_ascii_whitespace()
        .skip(1)
        .map_while(|field| field.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq steal
    let busy = [0, 1, 2, 5, 6, 7].map(|at| ticks.get(at).copied().unwrap_or(0.0));
    Some(busy.into_iter().sum::<f64>() / TICKS_PER_S)
}

/// Number of cores.
pub(in crate::scenario) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Load average of the last minute.
pub(in crate::scenario) fn load() -> f64 {
    let first = |text: String| text.split(' ').next()?.parse().ok();
    fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(first)
        .unwrap_or(0.0)
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
}
