//! A service in this process, until it is dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use skyscan_service::doors::{Letter, Tells};
use skyscan_service::tokens::{ADMIN_FILE, Tokens};
use skyscan_service::{Config, Held, Service};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::ask::Asker;
use crate::engine::Fake;

#[derive(Debug)]
pub(crate) struct Unheard;

impl Tells for Unheard {
    fn tell(&self, _letter: Letter) {}
}

pub(crate) struct Place {
    pub(crate) port: u16,
    pub(crate) admin: Asker,
    pub(crate) tokens: Arc<Tokens>,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

/// With its usual bounds, but for those of a disk that is not ours.
pub(crate) fn config(data: &Path) -> Config {
    let mut config = Config::new(data.to_owned());
    config.desk.least_free_bytes = 0;
    config
}

pub(crate) fn admin_token(data: &Path) -> String {
    let words = fs::read_to_string(data.join(ADMIN_FILE)).unwrap();
    words.trim().to_owned()
}

impl Place {
    pub(crate) fn open(config: Config) -> Self {
        let data: PathBuf = config.desk.data.clone();
        let held = Held::take(&data).unwrap();
        let engine = Arc::new(Fake::new(0.4));
        let service = Service::open(config, held, engine, Arc::new(Unheard)).unwrap();
        let tokens = service.tokens();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listening = TcpListener::bind(("127.0.0.1", 0));
        let listener = runtime.block_on(listening).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel();
        let serving = std::thread::spawn(move || {
            let stopped = async {
                stopped.await.unwrap();
            };
            runtime.block_on(service.serve(listener, stopped));
        });
        Self {
            port,
            admin: Asker::new(port, &admin_token(&data)),
            tokens,
            stop: Some(stop),
            serving: Some(serving),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let (Some(stop), Some(serving)) = (self.stop.take(), self.serving.take()) {
            let _gone = stop.send(());
            if serving.join().is_err() && !std::thread::panicking() {
                panic!("the service has panicked");
            }
        }
    }
}
