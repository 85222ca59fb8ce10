//! Every redirect is checked like a first request.

use super::server::{Reply, Server};
use super::*;
use crate::{AddressClass, NetError, RedirectHosts, Request};

#[tokio::test]
async fn redirects_are_followed_and_told() {
    let server = Server::start(|path| match path {
        "/a" => Reply::redirect(301, "b?x=1"),
        "/b?x=1" => Reply::redirect(308, "//server.test:PORT/c"),
        _ => Reply::ok(b"end"),
    })
    .await;
    let port = server.address.port();
    let replacing = Server::start(move |path| match path {
        "/a" => Reply::redirect(302, &format!("http://server.test:{port}/c")),
        _ => Reply::ok(b"unused"),
    })
    .await;
    let fetched = guard().get(&replacing.url("/a")).await.unwrap();
    assert_eq!(fetched.body, b"end");
    assert_eq!(fetched.hops, [replacing.url("/a")]);
    assert_eq!(fetched.final_url, server.named_url("http", "/c"));
}

#[tokio::test]
async fn a_redirect_to_a_forbidden_place_is_refused() {
    let private = |host: &str, class| Refusal::PrivateAddress {
        host: host.to_owned(),
        address: host.parse().unwrap(),
        class,
    };
    let scheme = |scheme: &str| Refusal::Scheme {
        scheme: scheme.to_owned(),
    };
    for (location, expected) in [
        (
            "http://10.0.0.1/",
            private("10.0.0.1", AddressClass::Private),
        ),
        ("http://[::1]/", private("::1", AddressClass::Loopback)),
        (
            "http://169.254.169.254/latest",
            private("169.254.169.254", AddressClass::Metadata),
        ),
        ("//0x7f.2/", private("127.0.0.2", AddressClass::Loopback)),
        ("file:///etc/passwd", scheme("file")),
        ("ftp://a.com/", scheme("ftp")),
        ("gopher://127.0.0.1:6379/_x", scheme("gopher")),
        ("http://u:p@a.com/", Refusal::Credentials),
        ("http://a.com:25/", Refusal::Port { port: 25 }),
    ] {
        let server = Server::start(move |_| Reply::redirect(302, location)).await;
        assert_eq!(
            refusal(guard().get(&server.url("/")).await),
            expected,
            "{location}"
        );
    }
}

#[tokio::test]
async fn twenty_hops_end_after_the_fifth_redirect() {
    let server = Server::start(|path| {
        let n: u32 = path.trim_start_matches('/').parse().unwrap();
        match n {
            20 => Reply::ok(b"end"),
            n => Reply::redirect(307, &format!("/{}", n + 1)),
        }
    })
    .await;
    let found = refusal(guard().get(&server.url("/0")).await);
    assert_eq!(found, Refusal::TooManyRedirects { limit: 5 });
    assert_eq!(server.requests().len(), 6);
    assert_eq!(guard().get(&server.url("/15")).await.unwrap().hops.len(), 5);
}

#[tokio::test]
async fn redirects_in_a_circle_end_at_once() {
    let server = Server::start(|path| match path {
        "/a" => Reply::redirect(302, "/b"),
        _ => Reply::redirect(302, "/a"),
    })
    .await;
    let found = refusal(guard().get(&server.url("/a")).await);
    assert_eq!(found, Refusal::RedirectLoop);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_name_is_resolved_and_checked_again_at_each_hop() {
    let server = Server::start(|path| match path {
        "/a" => Reply::redirect(302, "/b"),
        _ => Reply::ok(b"reached"),
    })
    .await;
    let names = Names::new([["127.0.0.1"].as_slice(), &["169.254.169.254"]]);
    let guard = Guard::with_resolver(options(&["server.test"]), names.clone());
    let found = refusal(guard.get(&server.named_url("http", "/a")).await);
    let expected = Refusal::ForbiddenAddress {
        host: "server.test".to_owned(),
        address: "169.254.169.254".parse().unwrap(),
        class: AddressClass::Metadata,
    };
    assert_eq!(found, expected);
    assert_eq!(names.asked(), ["server.test", "server.test"]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_key_and_a_body_are_never_redirected() {
    let elsewhere = Server::start(|_| Reply::ok(b"stolen")).await;
    let location = elsewhere.url("/");
    let server = Server::start(move |_| Reply::redirect(307, &location)).await;
    let with_key = Request::get(server.url("/"))
        .secret_header("x-key", "k")
        .unwrap();
    let with_body = Request::post_json(server.url("/"), &serde_json::json!({"q": 1}));
    for request in [with_key, with_body] {
        let found = refusal(guard().fetch(request).await);
        assert_eq!(found, Refusal::RedirectedSecret);
    }
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn cookies_of_a_redirect_are_not_sent_back() {
    let server = Server::start(|path| match path {
        "/a" => Reply::with("302 Found", "Location: /b\r\nSet-Cookie: a=b\r\n", b""),
        _ => Reply::ok(b""),
    })
    .await;
    guard().get(&server.url("/a")).await.unwrap();
    let all = server.requests().concat().to_lowercase();
    assert!(!all.contains("cookie") && !all.contains("referer"), "{all}");
}

#[tokio::test]
async fn a_status_that_points_nowhere_is_an_answer() {
    let server = Server::start(|path| match path {
        "/300" => Reply::redirect(300, "http://10.0.0.1/"),
        "/304" => Reply::Bytes(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()),
        _ => Reply::with("302 Found", "", b"no location"),
    })
    .await;
    for (path, status) in [("/300", 300), ("/304", 304), ("/302", 302)] {
        assert_eq!(guard().get(&server.url(path)).await.unwrap().status, status);
    }
}

#[tokio::test]
async fn another_host_is_named_and_not_asked() {
    let elsewhere = Server::start(|_| Reply::ok(b"end")).await;
    let location = elsewhere.named_url("http", "/c?secret=1");
    let expected = location.clone();
    let server = Server::start(move |path| match path {
        "/a" => Reply::redirect(302, "/b"),
        "/b" => Reply::redirect(302, &location),
        "/d" => Reply::redirect(302, "/e"),
        _ => Reply::ok(b"here"),
    })
    .await;
    let ask = |path| Request::get(server.url(path)).redirect_hosts(RedirectHosts::Same);
    match guard().fetch(ask("/a")).await {
        Err(NetError::Elsewhere { url, .. }) => assert_eq!(url, expected),
        other => panic!("{other:?}"),
    }
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
    assert_eq!(guard().fetch(ask("/d")).await.unwrap().body, b"here");
}
