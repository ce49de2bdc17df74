//! Somebody who is told: takes every post, and hands on what it says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Hook {
    address: SocketAddr,
    posts: Receiver<Vec<u8>>,
}

impl Hook {
    pub(super) fn listen() -> Result<Self, Failed> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (tell, posts) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A post that is cut comes again.
                if let Ok(body) = taken(stream) {
                    let _nobody = tell.send(body);
                }
            }
        });
        Ok(Self { address, posts })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What the next post says.
    pub(super) fn next(&self) -> Result<Value, Failed> {
        let body = self.posts.recv_timeout(PATIENCE)?;
        Ok(serde_json::from_slice(&body)?)
    }
}

fn taken(stream: TcpStream) -> std::io::Result<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let (mut n_bytes, mut is_signed) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(number) = line.strip_prefix("content-length:") {
            n_bytes = number.trim().parse().unwrap_or(0);
        }
        is_signed |= line.starts_with("skyscan-signature: t=");
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; n_bytes];
    reader.read_exact(&mut body)?;
    let status = if is_signed {
        "200 OK"
    } else {
        "401 Unauthorized"
    };
    write!(
        reader.get_mut(),
        "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    match is_signed {
        true => Ok(body),
        false => Err(std::io::ErrorKind::PermissionDenied.into()),
    }
}
