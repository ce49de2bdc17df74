//! TLS for those who ask over HTTP: the library that brokers are spoken to with, and the certificates that the system
//! trusts.

use std::sync::Arc;

use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// What a request needs, also one that goes in plain.
#[must_use]
pub fn config() -> TlsConfig {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        tracing::warn!(errors = ?found.errors, "no certificates are trusted, so none can be checked: SSL_CERT_FILE names a file of some");
    }
    let certificates = found.certs.iter();
    let roots: Vec<Certificate<'static>> = certificates
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}
