//! TLS and proxies as the environment sets them: a server with a certificate of its own maker and
//! a proxy, both on loopback, asked by a process of its own with the variables under test.

#![expect(clippy::unwrap_used, reason = "a test: what cannot go on stops here")]

mod place;

use std::process::Command;
use std::time::Duration;

use futures_util::StreamExt as _;
use mesoclaw_agent::model::{GenerationParams, ModelDelta, ModelMessage, ModelRequest};
use mesoclaw_api::Secret;
use mesoclaw_providers::{Auth, Dialect, Endpoint, client};
use place::{HOST, Place};

/// Names the base URL to the process that asks.
const BASE_URL: &str = "MESOCLAW_TEST_BASE_URL";

const KEY: &str = "sk-secret";

/// Asks the endpoint of its environment and tells what came; nothing without one. This is the
/// other process of the tests below.
#[tokio::test]
async fn the_other_process_asks() {
    let Ok(base_url) = std::env::var(BASE_URL) else {
        return;
    };
    let client = client(Endpoint {
        provider_id: "test".to_owned(),
        base_url,
        dialect: Dialect::OpenAiChat,
        auth: Auth::Bearer,
        api_key: Some(Secret::new(KEY.to_owned())),
        api_version: None,
        connect_timeout: Duration::from_secs(10),
        first_token_timeout: Duration::from_secs(20),
        idle_timeout: Duration::from_secs(20),
    })
    .unwrap();
    let mut stream = client.stream(ModelRequest {
        model: "m".to_owned(),
        cache_key: String::new(),
        system: String::new(),
        messages: vec![ModelMessage::User {
            text: "Hi".to_owned(),
            images: Vec::new(),
        }],
        tools: Vec::new(),
        params: GenerationParams::default(),
    });
    while let Some(delta) = stream.next().await {
        match delta {
            Ok(ModelDelta::Text(text)) => println!("\nsaid: {text}"),
            Ok(_) => {}
            Err(error) => println!("\nfailed: {:?}: {}", error.kind, error.message),
        }
    }
}

/// What the other process says with these variables, while the place serves it.
async fn asked(place: &Place, base_url: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "the_other_process_asks", "--nocapture"])
        .env_clear()
        .env(BASE_URL, base_url)
        .envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = tokio::select! {
        output = output => output.unwrap().unwrap(),
        () = place.serve() => unreachable!("it serves for ever"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains(KEY), "{text}");
    text.lines()
        .find(|line| line.starts_with("said: ") || line.starts_with("failed: "))
        .unwrap_or(&text)
        .to_owned()
}

#[tokio::test]
async fn a_custom_certificate_is_trusted_when_the_environment_names_it() {
    let place = Place::new().await;
    let base_url = format!("https://127.0.0.1:{}/v1", place.tls_port());
    let (file, directory) = (place.ca_file(), place.ca_directory());
    for (variables, expected) in [
        (vec![("SSL_CERT_FILE", file.as_str())], "said: hello"),
        (vec![("SSL_CERT_DIR", directory.as_str())], "said: hello"),
        (
            // What the environment names replaces the system's, and is not added to all hosts'.
            vec![("SSL_CERT_FILE", place.other_ca_file().as_str())],
            "failed: Connection: TLS with `127.0.0.1:",
        ),
        (vec![], "failed: Connection: TLS with `127.0.0.1:"),
    ] {
        let said = asked(&place, &base_url, &variables).await;
        assert!(said.starts_with(expected), "{variables:?}: {said}");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn proxies_of_the_environment_are_used_as_it_says() {
    let place = Place::new().await;
    let file = place.ca_file();
    let proxy = format!("http://me:pw@127.0.0.1:{}", place.proxy_port());
    let (proxy, ca) = (proxy.as_str(), ("SSL_CERT_FILE", file.as_str()));
    let (https, http) = (format!("https://{HOST}/v1"), format!("http://{HOST}/v1"));
    let local = format!("https://127.0.0.1:{}/v1", place.tls_port());
    let (connect, post) = (
        format!("CONNECT {HOST}:443 HTTP/1.1"),
        format!("POST http://{HOST}/v1/chat/completions HTTP/1.1"),
    );
    let unresolved = format!("failed: Connection: the name in `{HOST}:443` could not be resolved");
    for (base_url, variables, expected, seen) in [
        (
            &https,
            vec![ca, ("HTTPS_PROXY", proxy)],
            "said: hello",
            Some(&connect),
        ),
        (
            &https,
            vec![ca, ("https_proxy", proxy)],
            "said: hello",
            Some(&connect),
        ),
        (
            &https,
            vec![ca, ("ALL_PROXY", proxy)],
            "said: hello",
            Some(&connect),
        ),
        (
            &http,
            vec![("HTTP_PROXY", proxy)],
            "said: by the proxy",
            Some(&post),
        ),
        (
            &https,
            vec![
                ca,
                ("HTTPS_PROXY", proxy),
                ("NO_PROXY", "other.test,.example.test"),
            ],
            &*unresolved,
            None,
        ),
        (
            &local,
            vec![ca, ("HTTPS_PROXY", proxy)],
            "said: hello",
            None,
        ),
        (
            &https,
            vec![ca, ("HTTPS_PROXY", "http://me:pw@127.0.0.1:1")],
            "failed: Connection: ",
            None,
        ),
        (
            &https,
            vec![ca, ("HTTPS_PROXY", "socks5://me:pw@127.0.0.1:1")],
            "failed: Connection: the proxy of the environment cannot be used: its address begins \
             with `socks5:`, not `http:` or `https:`",
            None,
        ),
    ] {
        let said = asked(&place, base_url, &variables).await;
        assert!(
            said.starts_with(expected),
            "{base_url} {variables:?}: {said}"
        );
        assert!(!said.contains("pw@"), "{said}");
        let through: Vec<_> = seen.into_iter().cloned().collect();
        assert_eq!(place.take_seen(), through, "{base_url} {variables:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_as_a_cause() {
    let place = Place::new().await;
    let base_url = format!("https://{HOST}/v1");
    let said = asked(&place, &base_url, &[("HTTPS_PROXY", "http://127.0.0.1:1")]).await;
    let end = "(the environment names a proxy for this address)";
    assert!(said.ends_with(end), "{said}");
}
