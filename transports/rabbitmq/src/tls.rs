//! TLS to the broker: whom we believe, what we show, and what is told when the two ends do not agree.
//!
//! `amqps://…?ca=FILE` believes the certificates in a file of PEM and no others; without, those that the system
//! trusts are believed. `certificate=FILE&key=FILE` is what a broker that asks for it is shown. The name of the host
//! in the address has to be in the broker's certificate. rustls does the protocol, ring the cryptography.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use lapin::tcp::RustlsConnector;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use skyscan_transport::backend::exposed;

/// Files that an address names.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsFiles {
    /// Certificates to believe, instead of the system's.
    pub(crate) ca: Option<PathBuf>,
    /// The own certificate, and those between it and one that the broker believes.
    pub(crate) certificate: Option<PathBuf>,
    /// Its secret key.
    pub(crate) key: Option<PathBuf>,
}

/// Why an address with TLS cannot be used. Never shows what is in a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("failed to read {path}")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} holds no {expected} in PEM")]
    Senseless {
        path: PathBuf,
        expected: &'static str,
    },
    #[error(
        "{path} can be read by others (mode {mode:o}), and a key that others have read is none: make a new one, or, if \
         nobody has read it, `chmod 600 {path}`"
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error("`certificate` and `key` go together")]
    Half,
    #[error("this system trusts no certificates: install ca-certificates, or name some with `ca`")]
    NoRoots,
    #[error("the certificates or the key cannot be used")]
    Unusable(#[from] rustls::Error),
}

impl TlsFiles {
    pub(crate) fn is_empty(&self) -> bool {
        self.ca.is_none() && self.certificate.is_none() && self.key.is_none()
    }

    /// What connections are made with.
    pub(crate) fn connector(&self) -> Result<RustlsConnector, TlsError> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.roots()?);
        let config = match (&self.certificate, &self.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                builder.with_client_auth_cert(certificates(certificate)?, secret_key(key)?)?
            }
            _ => return Err(TlsError::Half),
        };
        Ok(RustlsConnector::from(config))
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if let Some(ca) = &self.ca {
            for certificate in certificates(ca)? {
                roots.add(certificate)?;
            }
            return Ok(roots);
        }
        // One that makes no sense here hurts no other.
        let (n_taken, _) =
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        match n_taken {
            0 => Err(TlsError::NoRoots),
            _ => Ok(roots),
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = fs::read(path).map_err(|source| failed(path, source))?;
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(TlsError::Senseless {
            path: path.to_path_buf(),
            expected: "certificate",
        }),
    }
}

fn secret_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    if let Some(mode) = exposed(path).map_err(|source| failed(path, source))? {
        return Err(TlsError::Exposed {
            path: path.to_path_buf(),
            mode,
        });
    }
    let text = fs::read(path).map_err(|source| failed(path, source))?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| TlsError::Senseless {
        path: path.to_path_buf(),
        expected: "secret key",
    })
}

fn failed(path: &Path, source: io::Error) -> TlsError {
    TlsError::File {
        path: path.to_path_buf(),
        source,
    }
}

/// What would make the two ends agree, if an error is that they do not.
pub(crate) fn remedy(error: &io::Error, host: &str) -> Option<String> {
    let inside = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match inside {
        rustls::Error::InvalidCertificate(reason) => match reason {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the broker's certificate has expired: give the broker a new one".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the broker's certificate is not valid yet: see whether this machine's clock is right"
                    .to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!(
                    "the broker's certificate is not for {host}: name it in the address as its certificate does"
                )
            }
            // The second: by somebody of the same name.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "nobody who is believed here has signed the broker's certificate: name the file of its CA with \
                 `?ca=FILE` behind the address"
                    .to_owned()
            }
            _ => "the broker's certificate cannot be believed".to_owned(),
        },
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => {
                "the broker wants to be shown a certificate: name its files with `?certificate=FILE&key=FILE` behind \
                 the address"
                    .to_owned()
            }
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate => {
                "the broker does not believe the certificate that it was shown (`certificate` in the address)"
                    .to_owned()
            }
            AlertDescription::HandshakeFailure => {
                "the broker may want to be shown a certificate (`?certificate=FILE&key=FILE` behind the address), or \
                 the two have no cipher in common"
                    .to_owned()
            }
            _ => return None,
        },
        rustls::Error::InvalidMessage(_) => {
            "what answers there speaks no TLS: see whether the port is that of amqps (5671 usually)"
                .to_owned()
        }
        _ => return None,
    })
}
