//! A worker behind a firewall: through real proxies, with a login, by HTTP CONNECT and by SOCKS5.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use skyscan_free_ports::free_ports;

use super::{Place, Running, same_map};
use crate::transports::remote::skyscan;

/// Who logs in at the proxies.
const LOGIN: &str = "me:can%61ry";

/// An address of this machine that is no loopback: to that, no proxy is asked.
fn own_address() -> Result<SocketAddr, Failed> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // Nothing is sent.
    socket.connect("192.0.2.1:9")?;
    Ok(socket.local_addr()?)
}

/// A proxy that runs until it is dropped, and what it tells of whom it let through.
fn started(command: &mut Command, port: u16) -> Result<Running, Failed> {
    let mut running = Running(
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?,
    );
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = running.0.try_wait()? {
            return Err(format!("the proxy ended with {status}").into());
        }
        std::thread::yield_now();
    }
    Ok(running)
}

fn http(dir: &Path, port: u16) -> Result<Running, Failed> {
    let config = dir.join("tinyproxy.conf");
    let text = format!(
        "Port {port}\nListen 127.0.0.1\nTimeout 600\nLogLevel Connect\nBasicAuth me canary\n"
    );
    std::fs::write(&config, text)?;
    started(
        Command::new("tinyproxy").arg("-d").arg("-c").arg(&config),
        port,
    )
}

fn socks(port: u16) -> Result<Running, Failed> {
    let port_text = port.to_string();
    started(
        Command::new("microsocks").args([
            "-i",
            "127.0.0.1",
            "-p",
            &port_text,
            "-u",
            "me",
            "-P",
            "canary",
        ]),
        port,
    )
}

pub(crate) fn lead_to_the_scanner() -> Result<(), Failed> {
    let mut place = Place::new("proxies")?;
    let port = place.url.rsplit_once(':').ok_or("no port")?.1.to_owned();
    let here = format!("{}:{port}", own_address()?.ip());
    place.url = format!("zmqs://0.0.0.0:{port}");
    let keys = place.dir.join("for-here");
    let worker = |proxy: &str| -> Result<Running, Failed> {
        let worker = skyscan()
            .args([
                "worker",
                "--slots",
                "1",
                "--transport",
                &format!("zmqs://{here}"),
            ])
            .arg("--keys")
            .arg(&keys)
            .env("HTTPS_PROXY", proxy)
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(Running(worker))
    };
    for scheme in ["http", "socks5"] {
        let [at] = free_ports::<1>()?;
        let mut proxy = match scheme {
            "http" => http(&place.dir, at)?,
            _ => socks(at)?,
        };
        let scan = place.scan()?;
        let mut refused = worker(&format!("{scheme}://me:wrong@127.0.0.1:{at}"))?;
        let stderr = refused.0.stderr.take().ok_or("it is piped")?;
        let told = BufReader::new(stderr).lines().find(|line| {
            line.as_ref()
                .is_ok_and(|line| line.contains("does not let us through"))
        });
        let told = told.ok_or("it was not told")??;
        if told.contains("wrong") {
            return Err("the login is shown".into());
        }
        let _worker = worker(&format!("{scheme}://{LOGIN}@127.0.0.1:{at}"))?;
        same_map(&scan.wait_with_output()?)?;
        proxy.0.kill()?;
        let mut log = String::new();
        for pipe in [
            proxy
                .0
                .stdout
                .take()
                .map(|pipe| Box::new(pipe) as Box<dyn std::io::Read>),
            proxy
                .0
                .stderr
                .take()
                .map(|pipe| Box::new(pipe) as Box<dyn std::io::Read>),
        ] {
            std::io::Read::read_to_string(&mut pipe.ok_or("it is piped")?, &mut log)?;
        }
        let ip = here.split(':').next().unwrap_or_default();
        if !log.contains(ip) {
            return Err(format!("{scheme}: nobody came through: {log}").into());
        }
    }
    Ok(())
}
