//! `skyscan deploy htcondor|slurm|kubernetes|cloud-init|aws|rabbitmq`

mod aws;
mod machine;

use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Subcommand;

use super::access::InsecureArgument;
use super::number::from_one;
use super::{Failure, bad_input, failed, print};
use crate::deploy::{self, Installed, Secrets, Workers};
use crate::transport;

/// Secret with the workers' keys, where they need some and none is named.
const KEYS_SECRET: &str = "skyscan-keys";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a submit file of HTCondor
    ///
    /// Example: skyscan deploy htcondor --workers 100 --transport zmqs://scanner.example:5555
    /// --keys keys/for-zone-1
    Htcondor {
        #[command(flatten)]
        workers: WorkerArguments,
        #[command(flatten)]
        installed: InstalledArguments,
    },
    /// Write a batch script of Slurm, an array of jobs
    ///
    /// Example: skyscan deploy slurm --workers 100 --transport zmqs://scanner.example:5555 --keys keys/for-zone-1
    /// --hours 2
    Slurm {
        #[command(flatten)]
        workers: WorkerArguments,
        #[command(flatten)]
        installed: InstalledArguments,
        /// How long a worker may stay
        #[arg(long, value_name = "HOURS", default_value = "24", value_parser = from_one::<NonZeroU32>)]
        hours: NonZeroU32,
        /// Partition to run in [default: the cluster's]
        #[arg(long, value_name = "NAME", value_parser = plain)]
        partition: Option<String>,
    },
    /// Write a manifest of Kubernetes, a Deployment
    ///
    /// Example: skyscan deploy kubernetes --workers 100 --transport zmqs://scanner.example:5555
    /// --image registry.example/skyscan:0.1.0 --autoscale http://prometheus.monitoring:9090
    Kubernetes {
        #[command(flatten)]
        workers: WorkerArguments,
        /// Image that holds the program, as deploy/Dockerfile builds it
        #[arg(long, value_name = "IMAGE", value_parser = plain)]
        image: String,
        /// Secret whose key password is the broker's
        #[arg(long, value_name = "NAME", default_value = "skyscan-amqp", value_parser = plain)]
        secret: String,
        /// Secret that is made of the folder of the workers' keys: for zmqs:// [default: skyscan-keys], and to seal end
        /// to end what a broker carries
        #[arg(long, value_name = "NAME", value_parser = plain)]
        keys_secret: Option<String>,
        /// Workers come and go with the slots that scans want, up to --workers: KEDA, which has to be installed there,
        /// asks the Prometheus at this URL, which has to find the scanners
        #[arg(long, value_name = "URL", value_parser = prometheus)]
        autoscale: Option<String>,
    },
    /// Write user data that makes a machine of any cloud a worker, for a limited time
    ///
    /// For clouds that start machines with cloud-init and systemd: the machine fetches the program, takes the worker's
    /// keys from where you say, has a slot for each of its cores, heeds the cloud's notice, and powers off when the
    /// worker leaves, and after --hours, whatever happens.
    ///
    /// Example: skyscan deploy cloud-init --transport zmqs://scanner.example:5555 --program
    /// https://files.example/skyscan --keys-from 'gcloud secrets versions access latest --secret skyscan-keys'
    CloudInit(machine::CloudInit),
    /// Write requests for spot machines of AWS that are workers, and a script that starts, watches, grows and ends them
    ///
    /// The machines are those of cloud-init. Nobody may come to them; their role may read one secret, the workers'
    /// keys; they power off when no scan comes, and after --hours; powering off terminates them; the fleet expires.
    ///
    /// Example: skyscan deploy aws --transport zmqs://scanner.example:5555 --program https://files.example/skyscan
    /// --region us-east-2 --subnets subnet-0a1b2c3d,subnet-1a2b3c4d --cores 2000
    Aws(aws::Aws),
    /// Print a script that makes the users of a broker and grants them what they need
    ///
    /// Example: skyscan deploy rabbitmq --transport amqp://skyscan@broker.example:5672/skyscan
    Rabbitmq {
        /// Where Scanner and Workers meet, with the scanner's user, without a password
        #[arg(long, value_name = "URL")]
        transport: String,
        /// Who the workers are there; what they may do is less
        #[arg(long, value_name = "NAME", default_value = "skyscan-worker", value_parser = plain)]
        worker_user: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct WorkerArguments {
    /// Workers to be started
    #[arg(long, value_name = "N", value_parser = from_one::<NonZeroU32>)]
    workers: NonZeroU32,
    /// Where Scanner and Workers meet, as seen from the workers, without a password
    #[arg(long, value_name = "URL")]
    transport: String,
    #[command(flatten)]
    insecure: InsecureArgument,
    /// Tasks that each worker evaluates at once, and cores that it asks for
    #[arg(long, value_name = "N", default_value = "1", value_parser = from_one::<NonZeroU16>)]
    slots: NonZeroU16,
    /// Memory of each worker [default: 256 MiB and 64 for each slot]
    #[arg(long, value_name = "MIB", value_parser = from_one::<NonZeroU32>)]
    memory_mib: Option<NonZeroU32>,
    /// What the workers are called
    #[arg(long, value_name = "NAME", default_value = "skyscan-workers")]
    name: String,
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Further arguments of skyscan worker, behind --
    #[arg(last = true, value_name = "ARGUMENTS")]
    more: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct InstalledArguments {
    /// The program, where the cluster can read it [default: this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// File whose first line is the broker's password, for amqp://
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Folder of the workers' keys, which `skyscan keygen DIR --worker NAME` made: for zmqs://, and to seal end to end
    /// what a broker carries
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
}

fn plain(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("write letters, digits and -_./:@, only".to_owned()),
    }
}

fn prometheus(text: &str) -> Result<String, String> {
    match text.starts_with("http://") || text.starts_with("https://") {
        true if text.contains('@') => {
            Err("leave the password out, everybody could read it".to_owned())
        }
        true => plain(text),
        false => Err("write its URL, such as http://prometheus.monitoring:9090".to_owned()),
    }
}

pub(super) fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Htcondor { workers, installed } => {
            let (asked, installed) = (workers.read()?, installed.read(workers)?);
            let text = deploy::submit_file(&asked, &installed);
            workers.write("sub", &text, "condor_submit")
        }
        Command::Slurm {
            workers,
            installed,
            hours,
            partition,
        } => {
            let (asked, installed) = (workers.read()?, installed.read(workers)?);
            let text = deploy::batch_script(&asked, &installed, hours.get(), partition.as_deref());
            workers.write("sh", &text, "sbatch")
        }
        Command::Kubernetes {
            workers,
            image,
            secret,
            keys_secret,
            autoscale,
        } => {
            let secrets = Secrets {
                password: workers.needs_password().then_some(secret),
                keys: match keys_secret {
                    None if workers.needs_keys() => Some(KEYS_SECRET),
                    given => given.as_deref(),
                },
            };
            let asked = workers.read()?;
            let text = match autoscale {
                Some(url) => deploy::growing_manifest(&asked, image, secrets, url),
                None => deploy::manifest(&asked, image, secrets),
            };
            workers.write("yaml", &text, "kubectl apply -f")
        }
        Command::CloudInit(arguments) => arguments.write(),
        Command::Aws(arguments) => arguments.write(),
        Command::Rabbitmq {
            transport: url,
            worker_user,
        } => {
            if !url.starts_with("amqp") || transport::shown(url) != *url {
                return Err(bad_input(anyhow!(
                    "give the broker, amqp://USER@HOST:PORT/VHOST, without a password"
                )));
            }
            let grants = transport::Grants::at(url).map_err(bad_input)?;
            if grants.user == *worker_user {
                return Err(bad_input(anyhow!(
                    "{worker_user} is the scanner's user: give the workers another one"
                )));
            }
            let script = deploy::broker_script(&grants, worker_user).map_err(bad_input)?;
            print(&script)?;
            Ok(0)
        }
    }
}

/// That workers elsewhere can dial a place, and everybody may read its URL.
fn check_place(url: &str, insecure: bool) -> Result<(), Failure> {
    if transport::shown(url) != *url {
        return Err(bad_input(anyhow!(
            "leave the password out of --transport, everybody could read it: workers take it \
             from a file"
        )));
    }
    let is_own = ["memory:", "zmq+ipc:"]
        .iter()
        .any(|own| url.starts_with(own))
        || ["//0.0.0.0", "//*", "//[::]"]
            .iter()
            .any(|own| url.contains(own));
    if is_own {
        return Err(bad_input(anyhow!(
            "workers elsewhere cannot dial {url}: give the scanner's host, zmqs://HOST:PORT, or the \
             broker, amqps://USER@HOST:PORT/VHOST"
        )));
    }
    transport::check(url, insecure).map_err(bad_input)
}

/// Writes one of the files into the folder, which is made.
fn write_file(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, text))
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(failed)?;
    Ok(path)
}

/// A path in a command that people paste into a shell.
fn pasted(path: &Path) -> String {
    deploy::quoted(&path.to_string_lossy())
}

impl WorkerArguments {
    fn read(&self) -> Result<Workers, Failure> {
        let url = &self.transport;
        let insecure = self.insecure.insecure;
        check_place(url, insecure)?;
        let default_mib = 256 + 64 * u32::from(self.slots.get());
        let workers = Workers {
            name: self.name.clone(),
            n: self.workers,
            slots: self.slots,
            transport: url.clone(),
            insecure: insecure && transport::is_open(url),
            memory_mib: self
                .memory_mib
                .unwrap_or(NonZeroU32::MIN.saturating_add(default_mib - 1)),
            more: self.more.clone(),
        };
        workers.check().map_err(bad_input)?;
        Ok(workers)
    }

    /// Who dials a broker needs one.
    fn needs_password(&self) -> bool {
        self.transport.starts_with("amqp")
    }

    /// Who comes to a locked door needs them.
    fn needs_keys(&self) -> bool {
        self.transport.starts_with("zmqs")
    }

    fn write(&self, ending: &str, text: &str, submit: &str) -> Result<u8, Failure> {
        let path = write_file(&self.out, &format!("{}.{ending}", self.name), text)?;
        print(&format!(
            "wrote {}; start the workers with\n\n    {submit} {}",
            path.display(),
            pasted(&path)
        ))?;
        Ok(0)
    }
}

impl InstalledArguments {
    fn read(&self, workers: &WorkerArguments) -> Result<Installed, Failure> {
        let absolute = |path: &PathBuf| {
            path.canonicalize()
                .with_context(|| format!("cannot use {}", path.display()))
                .map_err(bad_input)
        };
        if workers.needs_password() && self.password_file.is_none() {
            return Err(bad_input(anyhow!(
                "give --password-file FILE, which the workers read the broker's password from"
            )));
        }
        if workers.needs_keys() && self.keys.is_none() {
            return Err(bad_input(anyhow!(
                "give --keys DIR, the folder that `skyscan keygen DIR --worker NAME` made for the workers"
            )));
        }
        let program = match &self.program {
            // It may be on the nodes only.
            Some(program) => program.clone(),
            None => std::env::current_exe().map_err(failed)?,
        };
        let installed = Installed {
            program,
            password_file: self.password_file.as_ref().map(absolute).transpose()?,
            keys: self.keys.as_ref().map(absolute).transpose()?,
        };
        installed.check().map_err(bad_input)?;
        Ok(installed)
    }
}
