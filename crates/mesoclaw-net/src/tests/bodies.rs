//! Answers without end, bombs, slow servers: everything received is bounded.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::server::{Reply, Server};
use super::*;
use crate::{DownloadLimits, Request};

const GZIP: &str = "Content-Encoding: gzip\r\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn limited(max_body_bytes: u64) -> Guard {
    let options = GuardOptions {
        max_body_bytes,
        ..options(&["127.0.0.1"])
    };
    Guard::with_resolver(options, Names::always(&["127.0.0.1"]))
}

#[tokio::test]
async fn bodies_are_cut_at_the_limit_and_not_before() {
    for (length, is_gzip, expected, cut) in [
        (99, false, 99, false),
        (100, false, 100, false),
        (101, false, 100, true),
        (99, true, 99, false),
        (100, true, 100, false),
        (101, true, 100, true),
        (0, true, 0, false),
        (0, false, 0, false),
    ] {
        let body = vec![b'x'; length];
        let reply = if is_gzip {
            Reply::with("200 OK", GZIP, &gzip(&body))
        } else {
            Reply::ok(&body)
        };
        let server = Server::start(move |_| reply.clone()).await;
        let fetched = limited(100).get(&server.url("/")).await.unwrap();
        assert_eq!(
            (fetched.body.len(), fetched.cut),
            (expected, cut),
            "{length} {is_gzip}"
        );
    }
}

#[tokio::test]
async fn a_bomb_costs_no_more_than_the_limit() {
    let bomb = gzip(&vec![0; 64 * 1024 * 1024]);
    let wire_bytes = bomb.len();
    assert!(wire_bytes < 100_000);
    let server = Server::start(move |_| Reply::with("200 OK", GZIP, &bomb)).await;
    let fetched = limited(1_000_000).get(&server.url("/")).await.unwrap();
    assert_eq!((fetched.body.len(), fetched.cut), (1_000_000, true));
    assert!(fetched.body.capacity() < 3_000_000);
}

#[tokio::test]
async fn wire_bytes_are_limited_even_when_they_decompress_to_nothing() {
    // Empty members one after another: much comes over the wire, nothing out of it.
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n".to_vec();
    let empty = gzip(b"").repeat(500);
    let server = Server::start(move |_| Reply::Endless(head.clone(), empty.clone())).await;
    let options = GuardOptions {
        max_wire_bytes: 100_000,
        ..options(&["127.0.0.1"])
    };
    let fetched = Guard::new(options).get(&server.url("/")).await.unwrap();
    assert_eq!((fetched.body.len(), fetched.cut), (0, true));
}

#[tokio::test]
async fn a_body_without_end_is_cut_and_the_connection_closed() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let piece = if head.contains("chunked") {
            b"5\r\nabcde\r\n".repeat(100)
        } else {
            b"abcde".repeat(100)
        };
        let server = Server::start(move |_| Reply::Endless(head.into(), piece.clone())).await;
        let fetched = limited(5000).get(&server.url("/")).await.unwrap();
        assert_eq!(
            (fetched.body, fetched.cut),
            (b"abcde".repeat(1000), true),
            "{head}"
        );
        server.closed().await;
    }
}

#[tokio::test]
async fn a_header_without_end_is_an_error() {
    for piece in [
        "X-Fill: abcdefghijklmnopqrstuvwxyz\r\n",
        "abcdefghijklmnopqrstuvwxyz",
    ] {
        let head = "HTTP/1.1 200 OK\r\nX-Begin: ".to_owned();
        let server =
            Server::start(move |_| Reply::Endless(head.clone().into(), piece.into())).await;
        let error = guard().get(&server.url("/")).await.unwrap_err();
        assert!(matches!(error, NetError::Exchange { .. }), "{error:?}");
    }
    let big = format!("X-Big: {}\r\n", "b".repeat(70_000));
    let server = Server::start(move |_| Reply::with("200 OK", &big, b"")).await;
    let error = guard().get(&server.url("/")).await.unwrap_err();
    assert!(
        matches!(
            error,
            NetError::TooLarge {
                what: "the header",
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_silent_server_ends_in_time() {
    let brief = Duration::from_millis(150);
    let by_total = GuardOptions {
        total_timeout: brief,
        ..options(&["127.0.0.1"])
    };
    let by_idle = GuardOptions {
        idle_timeout: brief,
        ..options(&["127.0.0.1"])
    };
    for beginning in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nx",
    ] {
        let server = Server::start(move |_| Reply::Stalled(beginning.into())).await;
        let error = Guard::new(by_total.clone())
            .get(&server.url("/"))
            .await
            .unwrap_err();
        assert!(
            matches!(error, NetError::Timeout { .. }),
            "{beginning:?} {error:?}"
        );
        let error = Guard::new(by_idle.clone())
            .get(&server.url("/"))
            .await
            .unwrap_err();
        assert!(
            matches!(error, NetError::Exchange { .. }),
            "{beginning:?} {error:?}"
        );
        server.closed().await;
    }
}

#[tokio::test]
async fn dropping_the_request_closes_the_connection() {
    let server = Server::start(|_| Reply::Stalled(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())).await;
    let mut response = guard().open(Request::get(server.url("/"))).await.unwrap();
    {
        let waiting = response.chunk();
        let brief = tokio::time::timeout(Duration::from_millis(50), waiting).await;
        assert!(brief.is_err());
    }
    drop(response);
    server.closed().await;
}

#[tokio::test]
async fn other_encodings_and_broken_ones_are_errors() {
    let half = gzip(&[7; 5000]);
    let half = half[..half.len() / 2].to_vec();
    for (headers, body, expected) in [
        (
            "Content-Encoding: br\r\n",
            vec![1],
            "answered in the encoding `br`",
        ),
        (
            "Content-Encoding: gzip, gzip\r\n",
            vec![1],
            "answered in the encoding `gzip, gzip`",
        ),
        (
            "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
            vec![1],
            "answered in the encoding `gzip`",
        ),
        (GZIP, b"not gzip at all".to_vec(), "is damaged"),
        (GZIP, half, "is damaged"),
    ] {
        let server = Server::start(move |_| Reply::with("200 OK", headers, &body)).await;
        let error = guard().get(&server.url("/")).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{headers}: {error}");
    }
}

#[tokio::test]
async fn conflicting_lengths_are_refused() {
    for headers in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5, 6\r\n",
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{headers}\r\nabcdef");
        let server = Server::start(move |_| Reply::Bytes(bytes.clone().into())).await;
        let found = guard().get(&server.url("/")).await;
        assert!(
            matches!(found, Err(NetError::Exchange { .. })),
            "{headers} {found:?}"
        );
    }
}

async fn download(reply: Reply, max_bytes: u64) -> (Result<u64, NetError>, Vec<u8>, u64) {
    let server = Server::start(move |_| reply.clone()).await;
    let limits = DownloadLimits {
        max_bytes,
        total_timeout: None,
    };
    let (mut file, mut told) = (Vec::new(), 0);
    let request = Request::get(server.url("/"))
        .header("range", "bytes=2-")
        .unwrap();
    let found = guard()
        .download(request, &limits, &mut file, &mut |bytes, _| told = bytes)
        .await;
    (found.map(|found| found.received_bytes), file, told)
}

#[tokio::test]
async fn a_download_is_whole_or_an_error() {
    let (found, file, told) = download(Reply::with("206 Partial", "", b"abc"), 3).await;
    assert_eq!((found.unwrap(), file, told), (3, b"abc".to_vec(), 3));
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_vec();
    let endless = Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 1000]);
    for (reply, expected) in [
        (Reply::ok(b"abcd"), "the file of"),
        (endless, "the file of"),
        (
            Reply::with("404 Not Found", "", b""),
            "answered with status 404",
        ),
        (
            Reply::with("200 OK", GZIP, &gzip(b"a")),
            "in the encoding `gzip`",
        ),
        (Reply::Bytes(cut), "could not be asked"),
    ] {
        let (found, file, _) = download(
            reply,
            if expected == "could not be asked" {
                9
            } else {
                3
            },
        )
        .await;
        let error = found.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(file.len() <= 3);
    }
}
