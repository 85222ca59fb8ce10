//! Every spelling of a private address is refused, and a name is judged by all its addresses.

use super::server::{Reply, Server};
use super::*;
use crate::AddressClass::{
    Broadcast, LinkLocal, Loopback, Metadata, Multicast, Private, Reserved, Shared, Tunnel,
    Unspecified,
};
use crate::{AddressClass, Scheme, Target};

fn private(host: &str, address: &str, class: AddressClass) -> Refusal {
    Refusal::PrivateAddress {
        host: host.to_owned(),
        address: address.parse().unwrap(),
        class,
    }
}

fn forbidden(host: &str, address: &str, class: AddressClass) -> Refusal {
    Refusal::ForbiddenAddress {
        host: host.to_owned(),
        address: address.parse().unwrap(),
        class,
    }
}

/// Host as written, the address it means, its class.
const SPELLINGS: &[(&str, &str, AddressClass)] = &[
    ("127.0.0.1", "127.0.0.1", Loopback),
    ("127.0.0.1.", "127.0.0.1", Loopback),
    ("127.1", "127.0.0.1", Loopback),
    ("127.0.1", "127.0.0.1", Loopback),
    ("2130706433", "127.0.0.1", Loopback),
    ("0x7f000001", "127.0.0.1", Loopback),
    ("0x7f.0.0.1", "127.0.0.1", Loopback),
    ("0X7F.1", "127.0.0.1", Loopback),
    ("017700000001", "127.0.0.1", Loopback),
    ("0177.0.0.01", "127.0.0.1", Loopback),
    ("127.255.255.254", "127.255.255.254", Loopback),
    ("１２７.０.０.１", "127.0.0.1", Loopback),
    ("①②⑦.⓪.⓪.①", "127.0.0.1", Loopback),
    ("127。0。0。1", "127.0.0.1", Loopback),
    ("%31%32%37.0.0.1", "127.0.0.1", Loopback),
    ("[::1]", "::1", Loopback),
    ("[0:0:0:0:0:0:0:1]", "::1", Loopback),
    ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1", Loopback),
    ("[::ffff:7f00:1]", "::ffff:127.0.0.1", Loopback),
    ("[::127.0.0.1]", "::7f00:1", Loopback),
    ("[64:ff9b::7f00:1]", "64:ff9b::7f00:1", Loopback),
    ("[::ffff:0:127.0.0.1]", "::ffff:0:7f00:1", Loopback),
    ("10.0.0.1", "10.0.0.1", Private),
    ("0xa000001", "10.0.0.1", Private),
    ("172.16.0.1", "172.16.0.1", Private),
    ("172.31.255.255", "172.31.255.255", Private),
    ("192.168.0.1", "192.168.0.1", Private),
    ("192.168.257", "192.168.1.1", Private),
    ("[fd00::1]", "fd00::1", Private),
    ("[fc00::1]", "fc00::1", Private),
    ("[fec0::1]", "fec0::1", Private),
    ("[64:ff9b::a00:1]", "64:ff9b::a00:1", Private),
    ("[64:ff9b:1::1]", "64:ff9b:1::1", Private),
    ("100.64.0.1", "100.64.0.1", Shared),
    ("100.127.255.255", "100.127.255.255", Shared),
    ("169.254.0.1", "169.254.0.1", LinkLocal),
    ("[fe80::1]", "fe80::1", LinkLocal),
    ("198.18.0.1", "198.18.0.1", AddressClass::Benchmarking),
    ("192.0.2.1", "192.0.2.1", AddressClass::Documentation),
    ("[2001:db8::1]", "2001:db8::1", AddressClass::Documentation),
    ("169.254.169.254", "169.254.169.254", Metadata),
    ("2852039166", "169.254.169.254", Metadata),
    (
        "[::ffff:169.254.169.254]",
        "::ffff:169.254.169.254",
        Metadata,
    ),
    ("[fd00:ec2::254]", "fd00:ec2::254", Metadata),
    ("168.63.129.16", "168.63.129.16", Metadata),
    ("0.0.0.0", "0.0.0.0", Unspecified),
    ("0", "0.0.0.0", Unspecified),
    ("0.0.0.1", "0.0.0.1", Unspecified),
    ("[::]", "::", Unspecified),
    ("[::ffff:0.0.0.0]", "::ffff:0.0.0.0", Unspecified),
    ("224.0.0.1", "224.0.0.1", Multicast),
    ("[ff02::1]", "ff02::1", Multicast),
    ("255.255.255.255", "255.255.255.255", Broadcast),
    ("240.0.0.1", "240.0.0.1", Reserved),
    ("[2002:7f00:1::]", "2002:7f00:1::", Tunnel),
    ("[2001::1]", "2001::1", Tunnel),
    ("[2606:4700::5efe:a00:1]", "2606:4700::5efe:a00:1", Tunnel),
];

#[test]
fn every_spelling_of_a_private_address_is_refused() {
    let guard = Guard::new(GuardOptions::default());
    for (host, address, class) in SPELLINGS {
        let found = refusal(guard.check_url(&format!("http://{host}/")));
        let expected = match *class {
            Unspecified | Multicast | Broadcast | Reserved | Tunnel => forbidden,
            _ => private,
        };
        assert_eq!(found, expected(address, address, *class), "{host}");
    }
}

#[test]
fn names_of_this_machine_are_refused_without_asking_anyone() {
    let names = Names::always(&["93.184.216.34"]);
    let guard = Guard::with_resolver(GuardOptions::default(), names.clone());
    for (host, expected) in [
        ("localhost", "localhost"),
        ("localhost.", "localhost"),
        ("LOCALHOST", "localhost"),
        ("ｌｏｃａｌｈｏｓｔ", "localhost"),
        ("local%68ost", "localhost"),
        ("a.localhost", "a.localhost"),
        ("localhost.localdomain", "localhost.localdomain"),
        ("ip6-localhost", "ip6-localhost"),
    ] {
        let found = refusal(guard.check_url(&format!("http://{host}/")));
        let host = expected.to_owned();
        assert_eq!(found, Refusal::LocalName { host }, "{expected}");
    }
    assert_eq!(names.asked(), Vec::<String>::new());
}

#[test]
fn texts_that_are_no_plain_web_address_are_refused() {
    let guard = Guard::new(GuardOptions::default());
    let scheme = |scheme: &str| Refusal::Scheme {
        scheme: scheme.to_owned(),
    };
    for (url, expected) in [
        ("", Refusal::Syntax),
        ("example.com", Refusal::Syntax),
        ("http://", Refusal::Syntax),
        ("http://a..b/", Refusal::Syntax),
        ("http://a.com../", Refusal::Syntax),
        ("http://[::1", Refusal::Syntax),
        ("http://[fe80::1%25eth0]/", Refusal::Syntax),
        ("http://1.2.3.4.5/", Refusal::Syntax),
        ("http://256.256.256.256/", Refusal::Syntax),
        ("file:///etc/passwd", scheme("file")),
        ("ftp://a.com/", scheme("ftp")),
        ("gopher://a.com/", scheme("gopher")),
        ("javascript:alert(1)", scheme("javascript")),
        ("data:text/html,x", scheme("data")),
        ("unix:/run/x", scheme("unix")),
        ("http://user@a.com/", Refusal::Credentials),
        ("http://user:pw@a.com/", Refusal::Credentials),
        ("http://a.com:pw@127.0.0.1/", Refusal::Credentials),
        ("http://a.com\\@127.0.0.1/", Refusal::Backslash),
        ("http:\\\\127.0.0.1/", Refusal::Backslash),
        ("http://a.com/\r\nHost: b", Refusal::ControlCharacter),
        ("http://127.0.\t0.1/", Refusal::ControlCharacter),
        ("http://a.com/a b", Refusal::ControlCharacter),
        ("http://a.com/\u{85}", Refusal::ControlCharacter),
        ("http://a.com:22/", Refusal::Port { port: 22 }),
        ("http://a.com:25/", Refusal::Port { port: 25 }),
        ("http://a.com:6379/", Refusal::Port { port: 6379 }),
        ("http://a.com:0/", Refusal::Port { port: 0 }),
    ] {
        assert_eq!(refusal(guard.check_url(url)), expected, "{url:?}");
    }
    let long = format!("http://a.com/{}", "x".repeat(9000));
    let limit_bytes = 8192;
    assert_eq!(
        refusal(guard.check_url(&long)),
        Refusal::Length { limit_bytes }
    );
}

#[test]
fn a_public_address_leads_where_it_says() {
    let guard = Guard::new(GuardOptions::default());
    for (url, scheme, host, port) in [
        ("https://Docs.RS/x?y#z", Scheme::Https, "docs.rs", 443),
        ("http://docs.rs.:8080/", Scheme::Http, "docs.rs", 8080),
        (
            "https://bücher.example/",
            Scheme::Https,
            "xn--bcher-kva.example",
            443,
        ),
        ("https://аpple.com/", Scheme::Https, "xn--pple-43d.com", 443),
        (
            "https://[2606:4700::1111]/",
            Scheme::Https,
            "2606:4700::1111",
            443,
        ),
        (
            "http://1.1.1.1/?u=http://127.0.0.1/\\",
            Scheme::Http,
            "1.1.1.1",
            80,
        ),
    ] {
        let expected = Target {
            scheme,
            host: host.to_owned(),
            port,
        };
        assert_eq!(guard.check_url(url).unwrap(), expected, "{url}");
    }
}

#[tokio::test]
async fn a_name_is_judged_by_every_address_it_has() {
    for (answer, expected) in [
        (
            vec!["10.0.0.1"],
            private("a.test", "10.0.0.1", AddressClass::Private),
        ),
        (
            vec!["1.1.1.1", "127.0.0.1"],
            private("a.test", "127.0.0.1", AddressClass::Loopback),
        ),
        (
            vec!["1.1.1.1", "::ffff:10.0.0.1"],
            private("a.test", "::ffff:10.0.0.1", AddressClass::Private),
        ),
        (
            vec!["169.254.169.254"],
            forbidden("a.test", "169.254.169.254", AddressClass::Metadata),
        ),
        (
            vec!["0.0.0.0"],
            forbidden("a.test", "0.0.0.0", AddressClass::Unspecified),
        ),
    ] {
        let guard = Guard::with_resolver(GuardOptions::default(), Names::always(&answer));
        assert_eq!(
            refusal(guard.get("http://a.test/").await),
            expected,
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_name_without_addresses_is_an_error() {
    for names in [Names::always(&[]), Arc::new(Names::default())] {
        let guard = Guard::with_resolver(GuardOptions::default(), names);
        let error = guard.get("http://a.test/").await.unwrap_err();
        assert_eq!(error.to_string(), "the name `a.test` could not be resolved");
    }
}

#[tokio::test]
async fn a_private_server_is_reached_only_where_it_is_allowed() {
    let server = Server::start(|_| Reply::ok(b"inside")).await;
    let port = server.address.port();
    let pattern = format!("127.0.0.1:{port}");
    for (allowed, url, is_reached) in [
        (vec![], server.url("/"), false),
        (vec!["127.0.0.2"], server.url("/"), false),
        (vec!["127.0.0.1:1"], server.url("/"), false),
        (vec!["server.test"], server.url("/"), false),
        (vec!["127.0.0.1"], server.named_url("http", "/"), false),
        (vec!["127.0.0.1"], server.url("/"), true),
        (vec![pattern.as_str()], server.url("/"), true),
        (vec!["server.test"], server.named_url("http", "/"), true),
        (vec!["*.test"], server.named_url("http", "/"), true),
    ] {
        let names = Names::always(&["127.0.0.1"]);
        let guard = Guard::with_resolver(options(&allowed), names);
        let heard = server.requests().len();
        let found = guard.get(&url).await;
        assert_eq!(found.is_ok(), is_reached, "{allowed:?} {url} {found:?}");
        assert_eq!(
            server.requests().len(),
            heard + usize::from(is_reached),
            "{url}"
        );
    }
}

#[test]
fn some_addresses_are_allowed_only_themselves_and_some_never() {
    let guard = Guard::new(options(&[
        "169.254.169.254",
        "0.0.0.0",
        "::",
        "255.255.255.255",
        "a.test:25",
    ]));
    for (url, is_allowed) in [
        ("http://169.254.169.254/", true),
        ("http://0xa9fea9fe/", true),
        ("http://[::ffff:169.254.169.254]/", false),
        ("http://0.0.0.0/", false),
        ("http://[::]/", false),
        ("http://255.255.255.255/", false),
        ("http://a.test:25/", true),
        ("http://a.test:22/", false),
    ] {
        assert_eq!(guard.check_url(url).is_ok(), is_allowed, "{url}");
    }
}

#[tokio::test]
async fn a_rebinding_name_is_asked_once_and_pinned() {
    let first = Server::start(|_| Reply::ok(b"first")).await;
    let at = format!("127.0.0.2:{}", first.address.port());
    let second = Server::start_at(&at, |_| Reply::ok(b"second")).await;
    let names = Names::new([["127.0.0.1"].as_slice(), &["127.0.0.2"]]);
    let guard = Guard::with_resolver(options(&["server.test"]), names.clone());
    let fetched = guard.get(&first.named_url("http", "/")).await.unwrap();
    assert_eq!(fetched.body, b"first");
    assert_eq!(names.asked(), ["server.test"]);
    assert_eq!(second.requests(), Vec::<String>::new());
}

#[test]
fn refusals_say_what_was_refused_and_what_to_do() {
    let guard = Guard::new(GuardOptions::default());
    for (url, expected) in [
        (
            "http://10.0.0.1/x",
            "http://10.0.0.1/x is refused: 10.0.0.1 is in a private network; \
             allow it with the setting web_allow_private_hosts",
        ),
        (
            "http://localhost/",
            "http://localhost/ is refused: `localhost` is this machine itself; \
             allow it with the setting web_allow_private_hosts",
        ),
        (
            "http://0.0.0.0/",
            "http://0.0.0.0/ is refused: 0.0.0.0 is unspecified, which no setting allows",
        ),
        (
            "ftp://a/",
            "ftp://a/ is refused: `ftp:` is not spoken, only `http:` and `https:`",
        ),
    ] {
        assert_eq!(guard.check_url(url).unwrap_err().to_string(), expected);
    }
}
