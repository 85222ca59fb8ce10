//! A proxy is used only when it is allowed, and names are judged before it is asked.

use hyper_util::client::proxy::matcher::Matcher;

use super::server::{Reply, Server};
use super::*;

fn through(proxy: &str, no: &str, names: Arc<Names>) -> Guard {
    let mut guard = Guard::with_resolver(options(&["server.test"]), names);
    guard.proxies = Some(Matcher::builder().all(proxy).no(no).build());
    guard
}

#[tokio::test]
async fn a_proxy_is_asked_for_names_it_may_know_alone() {
    let proxy = Server::start(|_| Reply::ok(b"by proxy")).await;
    let address = format!("http://me:pw@127.0.0.1:{}", proxy.address.port());
    for names in [Arc::new(Names::default()), Names::always(&["1.1.1.1"])] {
        let heard = proxy.requests().len();
        let fetched = through(&address, "", names)
            .get("http://far.test/a?b")
            .await
            .unwrap();
        assert_eq!(fetched.body, b"by proxy");
        let request = proxy.requests().remove(heard);
        assert!(
            request.starts_with("GET http://far.test/a?b HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(
            request.contains("proxy-authorization: Basic bWU6cHc=\r\n"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn private_places_are_refused_behind_a_proxy_too() {
    let proxy = Server::start(|_| Reply::ok(b"by proxy")).await;
    let address = format!("http://127.0.0.1:{}", proxy.address.port());
    for (url, answer) in [
        ("http://10.0.0.1/", "1.1.1.1"),
        ("http://localhost/", "1.1.1.1"),
        ("http://inside.test/", "10.0.0.1"),
    ] {
        let found = through(&address, "", Names::always(&[answer]))
            .get(url)
            .await;
        refusal(found);
    }
    assert_eq!(proxy.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_host_without_proxy_is_asked_directly_and_pinned() {
    let server = Server::start(|_| Reply::ok(b"direct")).await;
    let names = Names::new([["127.0.0.1"].as_slice(), &["10.0.0.1"]]);
    let guard = through("http://127.0.0.1:1", "server.test", names.clone());
    let fetched = guard.get(&server.named_url("http", "/")).await.unwrap();
    assert_eq!(fetched.body, b"direct");
    assert_eq!(names.asked(), ["server.test"]);
}

#[tokio::test]
async fn a_proxy_that_is_not_spoken_is_an_error_and_never_passed_by() {
    let server = Server::start(|_| Reply::ok(b"direct")).await;
    let guard = through("socks5://127.0.0.1:1", "", Names::always(&["127.0.0.1"]));
    let found = guard.get(&server.named_url("http", "/")).await;
    assert!(matches!(found, Err(NetError::Proxy)), "{found:?}");
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn a_public_server_may_not_point_at_an_allowed_private_one() {
    let inside = Server::start(|_| Reply::ok(b"inside")).await;
    let location = inside.named_url("http", "/");
    let proxy = Server::start(move |_| Reply::redirect(302, &location)).await;
    let address = format!("http://127.0.0.1:{}", proxy.address.port());
    let names = Names::new([["1.1.1.1"].as_slice(), &["127.0.0.1"]]);
    let guard = through(&address, "server.test", names);
    let host = "server.test".to_owned();
    let found = refusal(guard.get("http://far.test/").await);
    assert_eq!(found, Refusal::PrivateRedirect { host });
    assert_eq!(inside.requests(), Vec::<String>::new());
}
