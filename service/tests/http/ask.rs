//! Asks the service.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
const BOUNDARY: &str = "a-boundary";

/// Somebody with a token.
#[derive(Clone)]
pub(crate) struct Asker {
    agent: Agent,
    base: String,
    token: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The same, of an answer that is as it should be.
    pub(crate) fn good(&self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.json()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// What is wrong, in the form of RFC 9457.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for field in ["type", "title", "detail"] {
            assert!(!problem[field].as_str().unwrap().is_empty());
        }
        problem["detail"].as_str().unwrap().to_owned()
    }
}

impl Asker {
    pub(crate) fn new(port: u16, token: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        Self {
            agent: config.into(),
            base: format!("http://127.0.0.1:{port}/api/v1/"),
            token: token.to_owned(),
        }
    }

    pub(crate) fn with(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn url(&self, path: &str) -> String {
        match path.starts_with('/') {
            true => format!("{}{path}", self.base.trim_end_matches("/api/v1/")),
            false => format!("{}{path}", self.base),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_unless(path, "\"none\"")
    }

    /// Asks unless what is there has this tag.
    pub(crate) fn get_unless(&self, path: &str, tag: &str) -> Answer {
        let request = self.agent.get(self.url(path));
        let request = request.header("authorization", self.bearer());
        answer(request.header("if-none-match", tag).call()).unwrap()
    }

    pub(crate) fn head(&self, path: &str) -> Answer {
        let request = self.agent.head(self.url(path));
        answer(request.header("authorization", self.bearer()).call()).unwrap()
    }

    pub(crate) fn post(&self, path: &str, kind: &str, body: &[u8]) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(self.url(path));
        let request = request.header("authorization", self.bearer());
        answer(request.content_type(kind).send(body))
    }

    pub(crate) fn post_json(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.post(path, "application/json", body.as_bytes())
            .unwrap()
    }

    pub(crate) fn put_json(&self, path: &str, body: &Value) -> Answer {
        let request = self.agent.put(self.url(path));
        let request = request.header("authorization", self.bearer());
        let request = request.content_type("application/json");
        answer(request.send(body.to_string().as_bytes())).unwrap()
    }

    /// Submits a form.
    pub(crate) fn form(&self, parts: &[(&str, &[u8])]) -> Result<Answer, ureq::Error> {
        let mut body = Vec::new();
        for (name, bytes) in parts {
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"<b>\"\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.post("scans", &kind, &body)
    }

    /// Submits an event, and returns its scan.
    pub(crate) fn submit(&self, event: &Value) -> Value {
        self.form(&[("event", event.to_string().as_bytes())])
            .unwrap()
            .good()
    }

    /// The same, and the name of its scan.
    pub(crate) fn submit_named(&self, event: &Value) -> String {
        self.submit(event)["id"].as_str().unwrap().to_owned()
    }

    /// Waits for the end of a scan.
    pub(crate) fn wait(&self, id: &str) -> Value {
        self.get(&format!("scans/{id}/wait?seconds=30")).good()
    }

    /// Has a scan done; its name.
    pub(crate) fn scanned(&self) -> String {
        let id = self.submit_named(&json!({"event_id": 1, "seconds": 0.1}));
        self.wait(&id);
        id
    }

    /// Reads the events of a stream until it ends, or until one of this name.
    pub(crate) fn events(&self, path: &str, until: Option<&str>) -> Vec<(String, Value)> {
        let mut events = Vec::new();
        for (name, said) in self.stream(path) {
            let is_last = until == Some(name.as_str());
            events.push((name, said));
            if is_last {
                break;
            }
        }
        events
    }

    /// Events as they come.
    pub(crate) fn stream(&self, path: &str) -> impl Iterator<Item = (String, Value)> + use<> {
        let request = self.agent.get(self.url(path));
        let request = request.header("authorization", self.bearer());
        let response = request.call().unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let lines = BufReader::new(response.into_body().into_reader()).lines();
        let mut name = String::new();
        lines.map_while(Result::ok).filter_map(move |line| {
            if let Some(word) = line.strip_prefix("event: ") {
                word.clone_into(&mut name);
            }
            let words = line.strip_prefix("data: ")?;
            Some((name.clone(), serde_json::from_str(words).unwrap()))
        })
    }
}

fn answer(asked: Result<Response<ureq::Body>, ureq::Error>) -> Result<Answer, ureq::Error> {
    let (parts, mut body) = asked?.into_parts();
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: body.read_to_vec()?,
    })
}
