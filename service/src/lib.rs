//! A service of scans: alerts come in, maps go out, people watch.
//!
//! This crate knows alerts, who may do what, which scan is next, and who waits to be told; how a scan is made is behind
//! [`Engine`], so that it can be tested without one.

pub mod arriving;
pub mod doors;
pub mod engine;
pub mod leaving;
pub mod scan;
pub mod settings;
pub mod tls;
pub mod tokens;

mod catalogue;
mod clock;
pub mod desk;
mod digest;
mod disk;
mod folder;
mod http;
mod live;
mod service;

pub use catalogue::CatalogueError;
pub use desk::{DeskConfig, Held, ScanDesk};
pub use engine::Engine;
pub use service::{Config, Service, ServiceError};
