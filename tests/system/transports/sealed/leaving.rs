//! Who leaves a sealed place says so, and who cannot open one says why.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Command;

use libtest_mimic::Failed;

use super::{Place, Running};

/// A worker that is asked to leave is not told as lost: its goodbye is the last that goes through the tunnel.
pub(in crate::transports) fn a_goodbye_leaves_with_its_worker() -> Result<(), Failed> {
    let place = Place::new("goodbye")?;
    let mut scan = Running(place.scan()?);
    let mut worker = place.worker(&place.dir.join("for-here"))?;
    let told = scan.0.stderr.take().ok_or("it is piped")?;
    let mut told = BufReader::new(told).lines().map_while(Result::ok);
    if !told.by_ref().any(|line| line.contains(" came: ")) {
        return Err("the worker never came".into());
    }
    let asked = Command::new("kill")
        .args(["-TERM", &worker.0.id().to_string()])
        .status()?;
    assert!(asked.success());
    let ended = worker.0.wait()?;
    assert!(ended.success(), "{ended}");
    let left = told.find(|line| line.contains("said goodbye") || line.contains("was lost"));
    match left {
        Some(line) if line.contains("said goodbye") => Ok(()),
        other => Err(format!("it left as {other:?}").into()),
    }
}

pub(in crate::transports) fn a_port_that_is_taken_is_told() -> Result<(), Failed> {
    let other = TcpListener::bind("127.0.0.1:0")?;
    let place = Place::at("taken", format!("zmqs://{}", other.local_addr()?))?;
    let output = place.scan()?.wait_with_output()?;
    let told = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("another scan or another program listens there")
            && !told.contains("panicked"),
        "{told}"
    );
    Ok(())
}
