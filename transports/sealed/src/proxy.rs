//! The way out of a firewall: a proxy that the environment names, by HTTP CONNECT (RFC 9110, section 9.3.6) or SOCKS5
//! (RFC 1928, with names resolved by the proxy; RFC 1929 for a login). What goes through is sealed: a proxy can end
//! it, and nothing else.
//!
//! `HTTPS_PROXY` comes before `ALL_PROXY`, and each may be written small. `http://[USER:PASSWORD@]HOST:PORT` and
//! `socks5://[USER:PASSWORD@]HOST:PORT` are understood (`socks5h://` is the same). Hosts in `NO_PROXY`, and this
//! machine's own loopback, are gone to at once.
//!
//! Decision: The way through a proxy is our own (`docs/decisions.md`).

use std::fmt;
use std::io;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

/// Longest answer of a proxy before it lets us through.
const MOST_ANSWER: usize = 8 << 10;

/// Why there is no way through a proxy. Never shows a login.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// The variable makes no sense.
    #[error("{0} names no proxy: give http://HOST:PORT or socks5://HOST:PORT")]
    Senseless(&'static str),
    /// The proxy says no.
    #[error("the proxy {proxy} does not let us through to {place}: {words}")]
    Refused {
        /// Where it is.
        proxy: String,
        /// Where we want to go.
        place: String,
        /// What it said.
        words: String,
    },
    /// It cannot be reached, or hung up.
    #[error("the proxy {proxy} failed: {source}")]
    Failed {
        /// Where it is.
        proxy: String,
        /// Reason that was given.
        source: io::Error,
    },
}

/// How it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Socks5,
}

/// A proxy.
pub(crate) struct Proxy {
    kind: Kind,
    /// `host:port`.
    address: String,
    login: Option<(String, Zeroizing<String>)>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({:?} {})", self.kind, self.address)
    }
}

impl Proxy {
    /// The one on the way to `host:port`, if there is one.
    ///
    /// # Errors
    /// If a variable names something else.
    pub(crate) fn on_the_way_to(place: &str) -> Result<Option<Self>, ProxyError> {
        Self::among(place, &|name| std::env::var(name).ok())
    }

    fn among(
        place: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ProxyError> {
        let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
        let host = host.trim_matches(['[', ']']);
        // Empty means unset, as everywhere here.
        let value = |name: &str| variable(name).filter(|value| !value.is_empty());
        let without = value("NO_PROXY").or_else(|| value("no_proxy"));
        if is_loopback(host) || without.is_some_and(|list| is_listed(host, &list)) {
            return Ok(None);
        }
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            if let Some(url) = value(name) {
                let proxy = Self::parse(&url).ok_or(ProxyError::Senseless(name))?;
                return Ok(Some(proxy));
            }
        }
        Ok(None)
    }

    fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (kind, port) = match scheme {
            "http" => (Kind::Http, 80),
            "socks5" | "socks5h" => (Kind::Socks5, 1080),
            _ => return None,
        };
        let rest = rest.trim_end_matches('/');
        let (login, host) = match rest.rsplit_once('@') {
            Some((login, host)) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                (Some((decoded(user)?, decoded(password)?.into())), host)
            }
            None => (None, rest),
        };
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let address = match has_port {
            true => host.to_owned(),
            false => format!("{host}:{port}"),
        };
        (!host.is_empty()).then_some(Self {
            kind,
            address,
            login,
        })
    }

    /// A connection to `host:port` by way of it.
    ///
    /// # Errors
    /// If it cannot be reached or does not let us through.
    pub(crate) async fn reach(&self, place: &str) -> Result<TcpStream, ProxyError> {
        let reached = async {
            let mut stream = TcpStream::connect(&self.address).await?;
            let refusal = match self.kind {
                Kind::Http => self.connect(&mut stream, place).await?,
                Kind::Socks5 => self.socks(&mut stream, place).await?,
            };
            Ok((stream, refusal))
        };
        match reached.await {
            Ok((stream, None)) => Ok(stream),
            Ok((_, Some(words))) => Err(ProxyError::Refused {
                proxy: self.address.clone(),
                place: place.to_owned(),
                words,
            }),
            Err(source) => Err(ProxyError::Failed {
                proxy: self.address.clone(),
                source,
            }),
        }
    }

    /// By HTTP; why not, if it does not let us through.
    async fn connect(&self, stream: &mut TcpStream, place: &str) -> io::Result<Option<String>> {
        let mut request = Zeroizing::new(format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n"));
        if let Some((user, password)) = &self.login {
            let login = Zeroizing::new(STANDARD.encode(format!("{user}:{}", **password)));
            *request += &format!("Proxy-Authorization: Basic {}\r\n", *login);
        }
        *request += "\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        // Byte by byte: what comes behind the answer is the other end's.
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() >= MOST_ANSWER {
                return Err(io::Error::other("its answer has no end"));
            }
            answer.push(stream.read_u8().await?);
        }
        let line = answer
            .split(|&byte| byte == b'\r')
            .next()
            .unwrap_or_default();
        let line = String::from_utf8_lossy(line).into_owned();
        let status = line.split(' ').nth(1).unwrap_or_default();
        Ok((!status.starts_with('2')).then_some(line))
    }

    /// By SOCKS5; why not, if it does not let us through.
    async fn socks(&self, stream: &mut TcpStream, place: &str) -> io::Result<Option<String>> {
        const BY_LOGIN: u8 = 2;
        let ways: &[u8] = if self.login.is_some() {
            &[0, BY_LOGIN]
        } else {
            &[0]
        };
        stream
            .write_all(&[&[5, ways.len() as u8], ways].concat())
            .await?;
        let mut chosen = [0; 2];
        stream.read_exact(&mut chosen).await?;
        match (chosen, &self.login) {
            ([5, 0], _) => {}
            ([5, BY_LOGIN], Some((user, password))) => {
                let long = |_| io::Error::other("a login of more than 255 letters");
                let mut login = Zeroizing::new(vec![1]);
                for word in [user.as_str(), password.as_str()] {
                    login.push(u8::try_from(word.len()).map_err(long)?);
                    login.extend_from_slice(word.as_bytes());
                }
                stream.write_all(&login).await?;
                let mut answer = [0; 2];
                stream.read_exact(&mut answer).await?;
                if answer[1] != 0 {
                    return Ok(Some("it does not know this login".to_owned()));
                }
            }
            ([5, _], _) => return Ok(Some("it wants another login".to_owned())),
            _ => return Ok(Some("it speaks no SOCKS5".to_owned())),
        }
        let (host, port) = place.rsplit_once(':').unwrap_or((place, ""));
        let senseless = || io::Error::other(format!("{place} is no HOST:PORT"));
        let port: u16 = port.parse().map_err(|_| senseless())?;
        let mut request = vec![5, 1, 0];
        match host.trim_matches(['[', ']']).parse() {
            Ok(IpAddr::V4(address)) => {
                request.push(1);
                request.extend(address.octets());
            }
            Ok(IpAddr::V6(address)) => {
                request.push(4);
                request.extend(address.octets());
            }
            Err(_) => {
                request.extend([3, u8::try_from(host.len()).map_err(|_| senseless())?]);
                request.extend(host.as_bytes());
            }
        }
        request.extend(port.to_be_bytes());
        stream.write_all(&request).await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        // Where it went out from is of no use here, but stands before what the other end says.
        let n = match answer[3] {
            1 => 4,
            4 => 16,
            _ => usize::from(stream.read_u8().await?),
        };
        let mut from = vec![0; n + 2];
        stream.read_exact(&mut from).await?;
        Ok(match answer[1] {
            0 => None,
            1 => Some("it failed".to_owned()),
            2 => Some("its rules forbid it".to_owned()),
            3 => Some("it does not reach that network".to_owned()),
            4 => Some("it does not reach that host".to_owned()),
            5 => Some("nobody listens there".to_owned()),
            other => Some(format!("it says {other}")),
        })
    }
}

fn is_loopback(host: &str) -> bool {
    let is_address = host
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    is_address || host == "localhost" || host.ends_with(".localhost")
}

/// Whether a host is in a list as `NO_PROXY` has it: names with all below them, `*` for all.
fn is_listed(host: &str, list: &str) -> bool {
    let mut names = list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names.any(|name| {
        let name = name.trim_start_matches('.');
        name == "*" || host == name || host.ends_with(&format!(".{name}"))
    })
}

/// Without `%XX`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        bytes.push(match (first, behind) {
            (b'%', [high, low, behind @ ..]) => {
                rest = behind;
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?
            }
            (b'%', _) => return None,
            _ => *first,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among(place: &str, variables: &[(&str, &str)]) -> Result<Option<Proxy>, ProxyError> {
        Proxy::among(place, &|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_says_which_way_to_go() {
        let shown = |place: &str, variables: &[(&str, &str)]| {
            among(place, variables)
                .unwrap()
                .map(|proxy| format!("{proxy:?}"))
        };
        let place = "scanner.example:5555";
        assert_eq!(shown(place, &[]), None);
        assert_eq!(shown(place, &[("HTTPS_PROXY", "")]), None);
        for (value, expected) in [
            (
                "http://proxy.example:3128",
                "Proxy(Http proxy.example:3128)",
            ),
            ("proxy.example:3128/", "Proxy(Http proxy.example:3128)"),
            ("http://proxy.example", "Proxy(Http proxy.example:80)"),
            (
                "socks5h://me:canary@proxy.example",
                "Proxy(Socks5 proxy.example:1080)",
            ),
        ] {
            assert_eq!(
                shown(place, &[("https_proxy", value)]).as_deref(),
                Some(expected)
            );
        }
        let both = [("ALL_PROXY", "socks5://b:1"), ("HTTPS_PROXY", "http://a:1")];
        assert_eq!(shown(place, &both).as_deref(), Some("Proxy(Http a:1)"));
        let without = |list| [("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", list)];
        for list in ["scanner.example", "other, .example", "*"] {
            assert_eq!(shown(place, &without(list)), None, "{list}");
        }
        assert!(shown(place, &without("ner.example")).is_some());
        for here in ["127.0.0.1:1", "[::1]:1", "localhost:1"] {
            assert_eq!(shown(here, &without("")), None, "{here}");
        }
        let error = among(place, &[("ALL_PROXY", "ftp://me:canary@a")]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }

    #[test]
    fn a_login_is_decoded() {
        let proxy = Proxy::parse("http://me:p%40s%3as@host:1").unwrap();
        let (user, password) = proxy.login.unwrap();
        assert_eq!((user.as_str(), password.as_str()), ("me", "p@s:s"));
        assert!(Proxy::parse("http://me:50%@host:1").is_none());
    }
}
