//! A Slurm of one node, started for a test: its real daemons on free ports, without munge.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde_json::Value;
use skyscan_free_ports::free_ports;

use crate::deploy::command::{empty_folder, skyscan, written};

/// Nothing here takes longer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);
const N_WORKERS: usize = 3;

struct Cluster {
    folder: PathBuf,
    daemons: Vec<Child>,
}

impl Cluster {
    fn start(folder: &Path) -> Result<Self, Failed> {
        let [controller, node] = free_ports::<2>()?;
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
        let host = host.trim().split('.').next().unwrap_or("localhost");
        let at = |name: &str| folder.join(name).display().to_string();
        for name in ["state", "spool"] {
            std::fs::create_dir(at(name))?;
        }
        // Jobs of the partition `urgent` push workers out.
        let configuration = format!(
            "ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser=root\n\
             SlurmctldPort={controller}\nSlurmdPort={node}\n\
             AuthType=auth/none\nCredType=cred/none\n\
             StateSaveLocation={}\nSlurmdSpoolDir={}\nSlurmctldPidFile={}\nSlurmdPidFile={}\n\
             ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nMpiDefault=none\n\
             SelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\n\
             SlurmdParameters=config_overrides\nReturnToService=2\nKillWait=10\n\
             SchedulerParameters=sched_min_interval=0,batch_sched_delay=0\n\
             PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE\n\
             NodeName={host} NodeAddr=127.0.0.1 CPUs={} RealMemory=4000 State=UNKNOWN\n\
             PartitionName=workers Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1\n\
             PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10\n",
            at("state"),
            at("spool"),
            at("slurmctld.pid"),
            at("slurmd.pid"),
            N_WORKERS
        );
        std::fs::write(at("slurm.conf"), configuration)?;
        let daemon = |name: &str, more: &[&str]| {
            let log = File::create(folder.join(format!("{name}.log")))?;
            Command::new(format!("/usr/sbin/{name}"))
                .args(["-D", "-f", &at("slurm.conf")])
                .args(more)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn()
        };
        let mut cluster = Self {
            folder: folder.to_owned(),
            daemons: vec![daemon("slurmctld", &["-i"])?],
        };
        cluster.daemons.push(daemon("slurmd", &[])?);
        cluster.wait_for("the node to be idle", |cluster| {
            Ok(cluster.ask("sinfo", &["-h", "-o", "%T"])?.contains("idle"))
        })?;
        Ok(cluster)
    }

    /// What a command of Slurm prints; nothing as long as the controller is not up.
    fn ask(&self, command: &str, arguments: &[&str]) -> Result<String, Failed> {
        let output = Command::new(command)
            .args(arguments)
            .env("SLURM_CONF", self.folder.join("slurm.conf"))
            .current_dir(&self.folder)
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// States of the workers' jobs, by the number in the array.
    fn states(&self, job: &str) -> Result<Vec<String>, Failed> {
        let shown = self.ask("scontrol", &["show", "job", job, "--oneliner"])?;
        let field = |line: &str, name: &str| {
            let mut words = line.split_whitespace();
            words
                .find_map(|word| word.strip_prefix(name))
                .unwrap_or_default()
                .to_owned()
        };
        let mut states: Vec<String> = shown
            .lines()
            .filter(|line| line.contains("JobId="))
            .map(|line| {
                let names = ["ArrayTaskId=", "JobState=", "Restarts=", "ExitCode="];
                names.map(|name| field(line, name)).join(" ")
            })
            .collect();
        states.sort();
        Ok(states)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "Slurm tells of a change only when it is asked"
    )]
    fn wait_for(
        &self,
        what: &str,
        is_so: impl Fn(&Self) -> Result<bool, Failed>,
    ) -> Result<(), Failed> {
        let begun = Instant::now();
        while !is_so(self)? {
            if begun.elapsed() > PATIENCE {
                let queue = self.ask("scontrol", &["show", "job", "--oneliner"])?;
                return Err(format!("waited in vain for {what}: {queue}").into());
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Workers that are left would outlive the cluster.
        let _ = self.ask("scancel", &["--user=root"]);
        let _ = self.wait_for("an empty queue", |cluster| {
            Ok(cluster.ask("squeue", &["-h"])?.trim().is_empty())
        });
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// The array scans; one worker is preempted meanwhile and goes back into the queue; the others
/// leave when they are asked to. The map is that of a scan alone.
pub(crate) fn array() -> Result<(), Failed> {
    let folder = empty_folder("slurm")?;
    let cluster = Cluster::start(&folder)?;
    let [port] = free_ports::<1>()?;
    let url = format!("zmq://127.0.0.1:{port}");
    let n_workers = N_WORKERS.to_string();
    let (script, _) = written(
        &folder,
        &[
            "slurm",
            "--workers",
            &n_workers,
            "--transport",
            &url,
            "--partition",
            "workers",
        ],
    )?;
    let script = script.to_str().ok_or("not UTF-8")?;
    let job = cluster
        .ask("sbatch", &["--parsable", script])?
        .trim()
        .to_owned();
    let all_run = |cluster: &Cluster| {
        let states = cluster.states(&job)?;
        Ok(states.len() == N_WORKERS && states.iter().all(|state| state.contains(" RUNNING ")))
    };
    cluster.wait_for("all workers to run", all_run)?;

    let event = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/event.json");
    let scan = |more: &[&str]| {
        let mut command = skyscan(&folder);
        command
            .arg("scan")
            .arg(&event)
            .args(["--nside", "8", "--format", "json"]);
        command
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    };
    let scanning = scan(&["--workers", "0", "--transport", &url]).spawn()?;
    cluster.ask("sbatch", &["--partition=urgent", "--wrap=true"])?;
    cluster.wait_for("a worker to be preempted", |cluster| {
        let states = cluster.states(&job)?;
        Ok(states.iter().any(|state| state.contains(" PENDING 1 ")))
    })?;
    let scanned = map(&scanning.wait_with_output()?.stdout)?;
    assert_eq!(scanned, map(&scan(&["--workers", "2"]).output()?.stdout)?);

    cluster.ask(
        "scancel",
        &["--batch", "--signal=TERM", "--state=RUNNING", &job],
    )?;
    cluster.wait_for("the others to end well", |cluster| {
        let states = cluster.states(&job)?;
        Ok(states
            .iter()
            .filter(|state| state.ends_with(" COMPLETED 0 0:0"))
            .count()
            == N_WORKERS - 1)
    })?;
    for n in 1..=N_WORKERS {
        let log = std::fs::read_to_string(folder.join(format!("skyscan-workers-{job}_{n}.log")))?;
        // It tells of scans that come and go, and of nothing that went wrong.
        let is_told = |line: &str| line.starts_with("skyscan: worker: ");
        let strange = log
            .lines()
            .find(|line| line.contains("skyscan") && !is_told(line));
        assert_eq!(strange, None, "worker {n}: {log}");
    }
    Ok(())
}

/// The hash of a complete scan's map.
fn map(stdout: &[u8]) -> Result<String, Failed> {
    let scan: Value = serde_json::from_slice(stdout)?;
    assert_eq!(scan["complete"], true);
    Ok(scan["map_sha256"]
        .as_str()
        .ok_or("no map_sha256")?
        .to_owned())
}
