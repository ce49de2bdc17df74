//! A CA of the tests' own.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use skyscan_rabbitmq_node::TlsFiles;

/// A CA, and where it puts what it signs.
pub(crate) struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        // Whoever has the name of its issuer has signed itself, for Erlang.
        params.distinguished_name.push(DnType::CommonName, "a CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        fs::create_dir_all(folder)?;
        fs::write(folder.join("ca.pem"), issuer.pem())?;
        let folder = folder.to_path_buf();
        Ok(Self { folder, issuer })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What a broker is started with, once it has signed one for `broker`.
    pub(crate) fn of_broker(&self) -> TlsFiles {
        TlsFiles {
            ca: self.file("ca.pem"),
            certificate: self.file("broker.pem"),
            key: self.file("broker.key"),
        }
    }

    /// Signs a certificate for these names, `NAME.pem` with its key in `NAME.key`.
    pub(crate) fn sign(&self, name: &str, names: &[&str], until: i32) -> Result<()> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let pair = KeyPair::generate()?;
        let signed = params.signed_by(&pair, &self.issuer)?;
        fs::write(self.file(&format!("{name}.pem")), signed.pem())?;
        let key = self.file(&format!("{name}.key"));
        fs::write(&key, pair.serialize_pem())?;
        Ok(fs::set_permissions(
            &key,
            fs::Permissions::from_mode(0o600),
        )?)
    }
}
