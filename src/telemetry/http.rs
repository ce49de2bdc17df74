//! As much of HTTP as a scrape and a browser need: GET and HEAD of a few paths, one request a connection.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a peer may take for its request, and for taking the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest request that is read.
const MOST_BYTES: usize = 8 << 10;
/// Requests that are answered at once; more wait.
const MOST_AT_ONCE: usize = 32;
/// After a connection that could not be taken, such as for want of files.
const PAUSE: Duration = Duration::from_millis(100);

/// What a request has to bring. Kept and compared as its hash, so how long that takes says nothing of it.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// Of the words themselves.
    #[must_use]
    pub fn new(words: &str) -> Self {
        Self(Sha256::digest(words).into())
    }

    /// Whether the lines of a request bring it: `Authorization: Bearer WORDS` (RFC 6750, section 2.1).
    fn is_in(&self, request: &[u8]) -> bool {
        let request = String::from_utf8_lossy(request);
        let brought = request.lines().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let (scheme, words) = value.trim().split_once(' ')?;
            let is_bearer =
                name.eq_ignore_ascii_case("authorization") && scheme.eq_ignore_ascii_case("bearer");
            is_bearer.then(|| Self::new(words.trim()))
        });
        brought.is_some_and(|brought| brought.0 == self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(not shown)")
    }
}

/// What there is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Its media type.
    pub(super) kind: &'static str,
    /// What it says.
    pub(super) body: String,
}

/// Answers requests until the runtime ends, if there is a token only those that bring it. `page` is asked for what
/// is at a path.
pub(super) async fn serve(
    listener: TcpListener,
    token: Option<Token>,
    page: impl Fn(&str) -> Option<Page> + Send + Sync + 'static,
) {
    let page = Arc::new(page);
    let token = Arc::new(token);
    let room = Arc::new(Semaphore::new(MOST_AT_ONCE));
    loop {
        let Ok(turn) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let (stream, peer): (TcpStream, SocketAddr) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "a request for metrics could not be taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (page, token) = (Arc::clone(&page), Arc::clone(&token));
        tokio::spawn(async move {
            let answering = answer(stream, (*token).as_ref(), page.as_ref());
            let answered = timeout(PATIENCE, answering).await;
            tracing::trace!(%peer, ?answered, "a request for metrics");
            drop(turn);
        });
    }
}

async fn answer(
    mut stream: TcpStream,
    token: Option<&Token>,
    page: &(impl Fn(&str) -> Option<Page> + Sync),
) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if request.len() >= MOST_BYTES || stream.read_buf(&mut request).await? == 0 {
            break;
        }
    }
    stream.write_all(&response(&request, token, page)).await?;
    stream.shutdown().await
}

/// The whole answer to a request.
pub(super) fn response(
    request: &[u8],
    token: Option<&Token>,
    page: &impl Fn(&str) -> Option<Page>,
) -> Vec<u8> {
    let line = request
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split(' ').collect();
    let plain = |body: &str| Page {
        kind: "text/plain; charset=utf-8",
        body: format!("{body}\n"),
    };
    let (status, page) = match words.as_slice() {
        [_, _, version]
            if version.starts_with("HTTP/1.")
                && token.is_some_and(|token| !token.is_in(request)) =>
        {
            (
                "401 Unauthorized\r\nWWW-Authenticate: Bearer",
                plain("bring the token: Authorization: Bearer TOKEN"),
            )
        }
        ["GET" | "HEAD", target, version] if version.starts_with("HTTP/1.") => {
            let path = target.split('?').next().unwrap_or_default();
            match page(path) {
                Some(page) => ("200 OK", page),
                None => ("404 Not Found", plain("there are /metrics and /links")),
            }
        }
        [_, _, version] if version.starts_with("HTTP/1.") => {
            ("405 Method Not Allowed", plain("only GET and HEAD"))
        }
        _ => ("400 Bad Request", plain("not a request")),
    };
    let Page { kind, body } = page;
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    match words.first() {
        Some(&"HEAD") => head.into_bytes(),
        _ => [head, body].concat().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str) -> Option<Page> {
        (path == "/metrics").then(|| Page {
            kind: "text/plain",
            body: "one 1\n".to_owned(),
        })
    }

    fn told(request: &[u8]) -> String {
        String::from_utf8(response(request, None, &page)).unwrap()
    }

    #[test]
    fn who_has_to_bring_a_token_gets_nothing_without() {
        let token = Token::new("canary");
        let told = |headers: &str| {
            let request = format!("GET /metrics HTTP/1.1\r\n{headers}\r\n\r\n");
            String::from_utf8(response(request.as_bytes(), Some(&token), &page)).unwrap()
        };
        for wrong in [
            "Host: a",
            "Authorization: Bearer canar",
            "Authorization: Basic canary",
            "X: Authorization: Bearer canary",
        ] {
            let told = told(wrong);
            assert!(told.starts_with("HTTP/1.1 401 "), "{told}");
            assert!(
                !told.contains("one 1") && !told.contains("canary"),
                "{told}"
            );
        }
        for right in [
            "Authorization: Bearer canary",
            "Host: a\r\nauthorization:  bearer canary",
        ] {
            assert!(told(right).ends_with("one 1\n"), "{right}");
        }
        assert!(!format!("{token:?}").contains("canary"));
    }

    #[test]
    fn requests_are_answered_and_nonsense_is_refused() {
        let told_of = told(b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(
            told_of,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: close\r\n\r\none 1\n"
        );
        assert!(told(b"HEAD /metrics HTTP/1.0\r\n\r\n").ends_with("close\r\n\r\n"));
        assert!(told(b"GET /nothing HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(told(b"POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
        for nonsense in [
            &b""[..],
            b"\r\n",
            b"GET",
            b"\xff\xfe\x00",
            b"GET /metrics SSH-2.0\r\n",
        ] {
            assert!(told(nonsense).starts_with("HTTP/1.1 400"), "{nonsense:?}");
        }
    }

    #[tokio::test]
    async fn a_peer_that_says_too_much_gets_an_answer_and_no_memory() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, None, page));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[b'x'; 2 * MOST_BYTES]).await.unwrap();
        let mut answer = Vec::new();
        // What it did not read resets the connection, perhaps before the answer came through.
        let _cut = stream.read_to_end(&mut answer).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("one 1\n"), "{answer}");
    }
}
