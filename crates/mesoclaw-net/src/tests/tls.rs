//! Encrypted servers: the name is proved by the certificate, whatever address it has.

use rcgen::generate_simple_self_signed;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::server::{Reply, Server};
use super::*;

fn certificate(name: &str) -> (TlsAcceptor, ClientConfig) {
    let made = generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), client)
}

#[tokio::test]
async fn encryption_is_kept_and_never_left() {
    let plain = Server::start(|_| Reply::ok(b"plain")).await;
    let location = plain.named_url("http", "/");
    let (acceptor, config) = certificate("server.test");
    let server = Server::start_tls(acceptor, move |path| match path {
        "/down" => Reply::redirect(301, &location),
        _ => Reply::ok(b"encrypted"),
    })
    .await;
    let guard = guard().trust(config);
    let fetched = guard.get(&server.named_url("https", "/")).await.unwrap();
    assert_eq!(fetched.body, b"encrypted");
    let found = refusal(guard.get(&server.named_url("https", "/down")).await);
    assert_eq!(found, Refusal::Downgrade);
    assert_eq!(plain.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused() {
    let (acceptor, config) = certificate("other.test");
    let server = Server::start_tls(acceptor, |_| Reply::ok(b"x")).await;
    let found = guard()
        .trust(config)
        .get(&server.named_url("https", "/"))
        .await;
    assert!(matches!(found, Err(NetError::Exchange { .. })), "{found:?}");
    server.closed().await;
    assert_eq!(server.requests(), ["no TLS"]);
}
