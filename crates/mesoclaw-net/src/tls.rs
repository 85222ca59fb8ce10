//! TLS of the guard: what the system trusts (on Linux `SSL_CERT_FILE` and `SSL_CERT_DIR` replace
//! that), read once.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::NetError;

/// Reads the certificates apart from this thread.
pub(crate) async fn load() -> Result<ClientConfig, NetError> {
    tokio::task::spawn_blocking(build)
        .await
        .map_err(|source| NetError::Client {
            source: Box::new(source),
        })?
}

fn build() -> Result<ClientConfig, NetError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|source| NetError::Client {
            source: Box::new(source),
        })?;
    Ok(speak_http1(config.with_no_client_auth()))
}

/// The guard speaks HTTP/1.1 only, and says so.
pub(crate) fn speak_http1(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
