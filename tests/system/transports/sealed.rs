//! Scans over sealed places: from nothing to two processes in three commands, and what strangers get.

pub(super) mod broker;
pub(super) mod leaving;
pub(super) mod proxies;
pub(super) mod roles;
pub(super) mod secrets;

use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use libtest_mimic::Failed;

use super::remote::{Scanned, Subject, skyscan};

/// A folder of keys with one for a worker, gone with it; and a place that they open.
struct Place {
    dir: PathBuf,
    url: String,
}

impl Place {
    fn new(name: &str) -> Result<Self, Failed> {
        let port = skyscan_free_ports::free_ports::<1>()?[0];
        Self::at(name, format!("zmqs://127.0.0.1:{port}"))
    }

    /// The keys of a place that is there already.
    fn at(name: &str, url: String) -> Result<Self, Failed> {
        let dir =
            std::env::temp_dir().join(format!("skyscan-sealed-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        let place = Self { dir, url };
        place.keygen(&["--worker", "here"])?;
        Ok(place)
    }

    fn keygen(&self, more: &[&str]) -> Result<String, Failed> {
        let output = skyscan().arg("keygen").arg(&self.dir).args(more).output()?;
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout)?),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
        }
    }

    fn scan(&self) -> Result<Child, Failed> {
        let scan = skyscan()
            .arg("scan")
            .arg(Subject::Demo.path())
            .args(["--reco", "pandel-mpe", "--nside", "8,64"])
            .args(["--format", "json", "--workers", "0"])
            .args(["--transport", &self.url, "--keys"])
            .arg(&self.dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(scan)
    }

    fn worker(&self, keys: &Path) -> Result<Running, Failed> {
        let worker = skyscan()
            .args(["worker", "--slots", "1", "--transport", &self.url, "--keys"])
            .arg(keys)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(Running(worker))
    }

    /// One with a key of its own, then one with a token.
    fn workers_make_the_same_map(&self) -> Result<(), Failed> {
        let told = self.keygen(&["--token", "--uses", "1"])?;
        let token = told
            .split_whitespace()
            .find(|word| word.contains("for-token"));
        let token = token.ok_or("no folder is named")?.trim_end_matches(':');
        for keys in [self.dir.join("for-here"), PathBuf::from(token)] {
            let scan = self.scan()?;
            let _worker = self.worker(&keys)?;
            same_map(&scan.wait_with_output()?)?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Nothing more can be done about it.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn same_map(output: &Output) -> Result<(), Failed> {
    let told = String::from_utf8_lossy(&output.stderr);
    let scanned = Scanned::read(&output.stdout).map_err(|_| format!("no result: {told}"))?;
    match scanned.map == Subject::Demo.map_in_memory()? {
        true => Ok(()),
        false => Err("another map".into()),
    }
}

/// With a key of its own, and with a token: the same map.
pub(super) fn workers_with_a_key_or_a_token() -> Result<(), Failed> {
    Place::new("keys")?.workers_make_the_same_map()
}

/// Those without a key of this place, or with none at all, get nothing and change nothing.
pub(super) fn strangers_change_nothing() -> Result<(), Failed> {
    let (place, elsewhere) = (Place::new("strangers")?, Place::new("elsewhere")?);
    // It pins the right place, but its key is not on the list.
    let unknown = elsewhere.dir.join("for-here");
    std::fs::copy(place.dir.join("scanner.pub"), unknown.join("scanner.pub"))?;
    let mut stranger = place.worker(&unknown)?;
    let _plain = Running(
        skyscan()
            .args([
                "worker",
                "--slots",
                "1",
                "--transport",
                &place.url.replace("zmqs", "zmq"),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let scan = place.scan()?;
    // Refused, and told so, before anybody serves.
    let mut told = String::new();
    let stderr = stranger.0.stderr.take().ok_or("it is piped")?;
    let mut lines = std::io::BufReader::new(stderr);
    while !told.contains("this key is not known here") {
        if std::io::BufRead::read_line(&mut lines, &mut told)? == 0 {
            return Err(format!("it was not told: {told}").into());
        }
    }
    // Coming again does not help, and it says why.
    let gave_up = skyscan()
        .args(["worker", "--slots", "1", "--give-up", "2"])
        .args(["--transport", &place.url, "--keys"])
        .arg(&unknown)
        .output()?;
    let told = String::from_utf8(gave_up.stderr)?;
    if gave_up.status.code() != Some(4) || !told.contains("worker: not let in at") {
        return Err(format!("{}: {told}", gave_up.status).into());
    }
    let _worker = place.worker(&place.dir.join("for-here"))?;
    same_map(&scan.wait_with_output()?)
}

/// Keys that are missing, or that others can read, are told with what to do.
pub(super) fn keys_are_needed_and_private() -> Result<(), Failed> {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new("private")?;
    let key = place.dir.join("scanner.key");
    let scan = |keys: Option<&Path>| -> Result<String, Failed> {
        let mut scan = skyscan();
        scan.arg("scan")
            .arg(Subject::Demo.path())
            .args(["--transport", &place.url]);
        scan.args(keys.map(|keys| format!("--keys={}", keys.display())));
        let output = scan.output()?;
        match output.status.success() {
            true => Err("it went on".into()),
            false => Ok(String::from_utf8(output.stderr)?),
        }
    };
    let secret = std::fs::read_to_string(&key)?;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644))?;
    for (told, words) in [
        (scan(None)?, "skyscan keygen DIR"),
        (
            scan(Some(&place.dir.join("for-here")))?,
            "is the folder of a worker",
        ),
        (scan(Some(&place.dir))?, "chmod 600"),
    ] {
        if !told.contains(words) || told.contains(secret.trim()) {
            return Err(format!("{words:?} is not in: {told}").into());
        }
    }
    Ok(())
}
