//! Runs a decoder on an input, and says whether it kept to the rules: no panic, no second of processor time, no
//! memory over its limit.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::time::{ClockId, clock_gettime};

use crate::MEMORY;
use crate::targets::Target;

/// Processor time that any input may take.
const MOST_TIME: Duration = Duration::from_secs(1);
/// On the clock, after which an input is taken for one that never ends, however busy the machine is.
const NEVER: Duration = Duration::from_secs(60);

/// What came of an input.
pub(crate) enum Verdict {
    /// Taken or refused, within the limits.
    Fine,
    /// What was done wrong, and how to see it again.
    Guilty(String),
}

/// The judge, with the worst of what was within the limits.
pub(crate) struct Judge {
    watched: Watched,
    panicked: Arc<Mutex<String>>,
    slowest: Cell<Duration>,
    most_bytes: Cell<usize>,
    kept: RefCell<usize>,
}

/// What is being tried: since when, of which target, which input.
type Watched = Arc<Mutex<Option<(Instant, String, Vec<u8>)>>>;

impl Judge {
    pub(crate) fn new() -> Result<Self> {
        let panicked = Arc::<Mutex<String>>::default();
        let words = Arc::clone(&panicked);
        std::panic::set_hook(Box::new(move |panic| {
            *words.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
        }));
        let watched = Watched::default();
        watch(Arc::clone(&watched))?;
        Ok(Self {
            watched,
            panicked,
            slowest: Cell::default(),
            most_bytes: Cell::default(),
            kept: RefCell::default(),
        })
    }

    pub(crate) fn slowest(&self) -> Duration {
        self.slowest.get()
    }

    pub(crate) fn most_bytes(&self) -> usize {
        self.most_bytes.get()
    }

    /// Begins with another target.
    pub(crate) fn forget(&self) {
        self.slowest.take();
        self.most_bytes.take();
    }

    /// Gives an input to a target.
    pub(crate) fn try_one(&self, target: &Target, input: &[u8]) -> Result<Verdict> {
        self.watch_this(Some((
            Instant::now(),
            target.name.to_owned(),
            input.to_vec(),
        )));
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let begun = processor_time()?;
        let ran = catch_unwind(AssertUnwindSafe(|| (target.decode)(input)));
        let took = processor_time()?.saturating_sub(begun);
        let bytes = MEMORY.peak_usage().saturating_sub(before);
        self.watch_this(None);
        self.slowest.set(self.slowest.get().max(took));
        self.most_bytes.set(self.most_bytes.get().max(bytes));
        let wrong = match ran {
            Err(_) => {
                let words = self.panicked.lock();
                format!(
                    "panicked: {}",
                    words.unwrap_or_else(PoisonError::into_inner)
                )
            }
            Ok(()) if took > MOST_TIME => format!("took {took:?} of processor time"),
            Ok(()) if bytes > target.most_bytes => {
                format!(
                    "took {bytes} bytes of memory, {} are allowed",
                    target.most_bytes
                )
            }
            Ok(()) => return Ok(Verdict::Fine),
        };
        let number = self.kept.replace_with(|n| *n + 1);
        let file = keep(target.name, input, number)?;
        Ok(Verdict::Guilty(format!(
            "{}: {wrong}\n    cargo test --release -p skyscan-fuzz -- {} --again {}",
            target.name,
            target.name,
            file.display()
        )))
    }

    fn watch_this(&self, input: Option<(Instant, String, Vec<u8>)>) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        *watched = input;
    }
}

/// Ends this program, with the input kept, when one takes for ever.
fn watch(watched: Watched) -> Result<()> {
    let look = move || {
        loop {
            std::thread::park_timeout(Duration::from_secs(1));
            let watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((since, name, input)) = watched.as_ref()
                && since.elapsed() > NEVER
            {
                let file = keep(name, input, 0).map(|file| file.display().to_string());
                println!("{name}: does not end: {file:?}");
                std::process::exit(1);
            }
        }
    };
    std::thread::Builder::new().spawn(look)?;
    Ok(())
}

fn keep(name: &str, input: &[u8], number: usize) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("found");
    std::fs::create_dir_all(&folder).context("cannot make the folder of what was found")?;
    let file = folder.join(format!("{name}-{}-{number}", std::process::id()));
    std::fs::write(&file, input)?;
    Ok(file)
}

/// What this thread has used so far.
fn processor_time() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}
