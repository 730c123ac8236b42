//! The server's certificate: the operator's, or one of our own that lives as long as the process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::failure::Failure;

/// Who the server says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Whoever the certificate in these files names: a chain and its private key, as PEM.
    Files {
        /// The certificate and those that it depends on.
        certificates: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// A certificate that is made at the start and signed by itself.
    SelfSigned {
        /// Names and addresses in it.
        names: Vec<String>,
    },
}

/// Accepts TLS connections with the certificate of `identity`.
///
/// # Errors
/// Names the file that cannot be used.
pub(crate) fn acceptor(identity: &Identity) -> Result<TlsAcceptor, Failure> {
    let (chain, key) = match identity {
        Identity::Files { certificates, key } => (read_chain(certificates)?, read_key(key)?),
        Identity::SelfSigned { names } => self_signed(names.clone())?,
    };
    let unusable = |error| Failure::because("the certificate for --secure-port cannot be used", &error);
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let unusable = |error| {
        Failure::because(format!("--tls-cert-file {}: no certificate can be read", path.display()), &error)
    };
    let chain = CertificateDer::pem_file_iter(path).map_err(unusable)?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(unusable)?;
    if chain.is_empty() {
        return Err(Failure::new(format!(
            "--tls-cert-file {}: there is no certificate in it",
            path.display()
        )));
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| {
        let what = format!("--tls-private-key-file {}: no private key can be read", path.display());
        Failure::because(what, &error)
    })
}

fn self_signed(
    names: Vec<String>,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Failure> {
    let made = rcgen::generate_simple_self_signed(names)
        .map_err(|error| Failure::because("a certificate for --secure-port cannot be made", &error))?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    Ok((vec![made.cert.der().clone()], key.into()))
}
