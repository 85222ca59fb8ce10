//! The engines against servers that speak as they do.

use std::time::Duration;

use mesoclaw_api::Secret;

use super::engine::*;
use super::result::SearchResult;

pub(crate) mod server;

use server::{Reply, Server, guard};

const JSON: &str = "Content-Type: application/json\r\n";
const HTML: &str = "Content-Type: text/html; charset=UTF-8\r\n";

const TAVILY: &str = r#"{"query":"q","follow_up_questions":null,"answer":null,"images":[],
"results":[{"title":"Rust <T>","url":"https://www.rust-lang.org/","content":"A  language\nfor everyone.","score":0.98,"raw_content":null},
{"title":"bad","url":"javascript:alert(1)","content":"","score":0.1},
{"title":"Docs","url":"https://doc.rust-lang.org/book","content":"The book","score":0.9,"raw_content":null}],
"response_time":1.2}"#;

const BRAVE: &str = r#"{"type":"search","query":{"original":"q","more_results_available":true},
"web":{"type":"search","results":[{"title":"Brave <strong>Search</strong> &amp; more","url":"https://brave.com/",
"description":"An <strong>independent</strong> index&#x27;s page","extra_snippets":[],"meta_url":{"scheme":"https"}},
{"title":"No words","url":"http://example.com/a b"}]}}"#;

const DUCK: &str = r#"<!DOCTYPE html><html><head><style>.result__a { color: blue }</style></head><body>
<div id="links" class="results">
<div class="result results_links results_links_deep result--ad "><div class="links_main links_deep result__body">
<h2 class="result__title"><a rel="nofollow" class="result__a" href="https://duckduckgo.com/y.js?ad_domain=shop.example&amp;u3=x">Sponsored</a></h2>
<a class="result__snippet" href="https://duckduckgo.com/y.js?u3=x">Buy now</a></div></div>
<div class="result results_links results_links_deep web-result "><div class="links_main links_deep result__body">
<h2 class="result__title"><a rel="nofollow" class="result__a" href="//duckduckgo.com/l/?uddg=https%3A%2F%2Fwww.rust%2Dlang.org%2F%3Fa%3D1%26b%3D2&amp;rut=abc">Rust <b>Language</b> &amp; friends</a></h2>
<a class="result__url" href="//duckduckgo.com/l/?uddg=https%3A%2F%2Fwww.rust%2Dlang.org%2F">www.rust-lang.org</a>
<a class="result__snippet" href="//duckduckgo.com/l/?uddg=x">A <b>language</b>
  for   everyone&#x27;s use.</a></div></div>
<div class="result results_links web-result"><h2 class="result__title">
<a rel="nofollow" class="result__a" href="https://example.org/plain">Plain link</a></h2></div>
<div class="result web-result"><a class="result__a" href="//duckduckgo.com/l/?uddg=https%3A%2F%2Fduckduckgo.com%2Fy.js%3Fad%3D1">Hidden advertisement</a></div>
<div class="result web-result"><a class="result__a" href="//duckduckgo.com/l/?uddg=file%3A%2F%2F%2Fetc%2Fpasswd">File</a></div>
<div class="result web-result"><a class="result__a" href="https://example.org/plain">Twice</a></div>
</div></body></html>"#;

const NOTHING: &str = r#"<div id="links" class="results"><div class="result results_links result--no-result">
<div class="no-results">No results.</div></div></div>"#;

const CHALLENGE: &str = r#"<form id="challenge-form" action="//duckduckgo.com/anomaly.js?sv=html&amp;cc=botnet" method="POST">
<div class="anomaly-modal__title">Unfortunately, bots use DuckDuckGo too.</div></form>"#;

fn result(title: &str, url: &str, snippet: &str) -> SearchResult {
    SearchResult {
        title: title.to_owned(),
        url: url.to_owned(),
        snippet: snippet.to_owned(),
    }
}

/// Which key there is.
#[derive(Clone, Copy, Default)]
struct Keys {
    tavily: bool,
    brave: bool,
}

const TAVILY_KEY: Keys = Keys {
    tavily: true,
    brave: false,
};
const BRAVE_KEY: Keys = Keys {
    tavily: false,
    brave: true,
};

fn options(server: &Server, keys: Keys) -> SearchOptions {
    SearchOptions {
        timeout: Duration::from_secs(10),
        tavily_key: keys.tavily.then(|| Secret::new("tvly-k".to_owned())),
        brave_key: keys.brave.then(|| Secret::new("brave-k".to_owned())),
        tavily_url: server.url("/tavily"),
        brave_url: server.url("/brave"),
        duckduckgo_url: server.url("/duck"),
        ..SearchOptions::default()
    }
}

fn ok(body: &str) -> Reply {
    ("200 OK", JSON, body.into())
}

async fn engines(tavily: Reply, brave: Reply, duck: Reply) -> Server {
    Server::start(move |path| match path.split('?').next().unwrap() {
        "/tavily" => tavily.clone(),
        "/brave" => brave.clone(),
        _ => duck.clone(),
    })
    .await
}

fn busy() -> Reply {
    ("429 Too Many Requests", "Retry-After: 9\r\n", Vec::new())
}

#[tokio::test]
async fn each_engine_is_read_as_it_speaks() {
    let server = engines(ok(TAVILY), ok(BRAVE), ("200 OK", HTML, DUCK.into())).await;
    let rust = [
        result(
            "Rust <T>",
            "https://www.rust-lang.org/",
            "A language for everyone.",
        ),
        result("Docs", "https://doc.rust-lang.org/book", "The book"),
    ];
    let brave = [
        result(
            "Brave Search & more",
            "https://brave.com/",
            "An independent index's page",
        ),
        result("No words", "http://example.com/a%20b", ""),
    ];
    let duck = [
        result(
            "Rust Language & friends",
            "https://www.rust-lang.org/?a=1&b=2",
            "A language for everyone's use.",
        ),
        result("Plain link", "https://example.org/plain", ""),
    ];
    for (keys, engine, expected) in [
        (
            Keys {
                tavily: true,
                brave: true,
            },
            "Tavily",
            &rust,
        ),
        (TAVILY_KEY, "Tavily", &rust),
        (BRAVE_KEY, "Brave Search", &brave),
        (Keys::default(), "DuckDuckGo", &duck),
    ] {
        let found = search(&guard(), &options(&server, keys), " a\n b ", 5).await;
        let expected = Found {
            results: expected.to_vec(),
            engine,
            failed: Vec::new(),
        };
        assert_eq!(found, Ok(expected));
    }
    let one = search(&guard(), &options(&server, Keys::default()), "q", 0)
        .await
        .unwrap();
    assert_eq!(one.results.len(), 1);
}

#[tokio::test]
async fn the_question_and_the_key_go_where_they_belong() {
    let server = engines(ok(TAVILY), ok(BRAVE), ("200 OK", HTML, DUCK.into())).await;
    for keys in [TAVILY_KEY, BRAVE_KEY, Keys::default()] {
        search(&guard(), &options(&server, keys), "a & b=ü", 7)
            .await
            .unwrap();
    }
    let [tavily, brave, duck] = server.requests().try_into().unwrap();
    let (head, body) = tavily.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /tavily HTTP/1.1") && head.contains("authorization: Bearer tvly-k")
    );
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let expected = serde_json::json!({
        "query": "a & b=ü", "max_results": 7, "search_depth": "basic", "include_answer": false,
        "include_images": false, "include_raw_content": false,
    });
    assert_eq!(body, expected);
    let line =
        "GET /brave?q=a+%26+b%3D%C3%BC&count=7&text_decorations=false&result_filter=web HTTP/1.1";
    assert!(brave.starts_with(line), "{brave}");
    assert!(brave.contains("x-subscription-token: brave-k") && !brave.contains("tvly"));
    assert!(
        duck.starts_with("GET /duck?q=a+%26+b%3D%C3%BC&kl=wt-wt HTTP/1.1"),
        "{duck}"
    );
    assert!(!duck.contains("tvly") && !duck.contains("brave-k"));
}

#[tokio::test]
async fn an_engine_that_fails_is_followed_by_the_next() {
    let refused = (
        "401 Unauthorized",
        JSON,
        b"{\"detail\":{\"error\":\"x\"}}".to_vec(),
    );
    let token = r#"{"type":"ErrorResponse","error":{"id":"a","status":422,"code":"SUBSCRIPTION_TOKEN_INVALID","detail":"d","meta":{"component":"authentication"}},"time":1}"#;
    let brave = ("422 Unprocessable", JSON, token.into());
    let server = engines(refused, brave, ("200 OK", HTML, DUCK.into())).await;
    let keys = Keys {
        tavily: true,
        brave: true,
    };
    let found = search(&guard(), &options(&server, keys), "q", 1)
        .await
        .unwrap();
    let key = "the key is refused; set a new one with `mesoclaw key set`.";
    assert_eq!(
        found.failed,
        [format!("Tavily: {key}"), format!("Brave Search: {key}")]
    );
    assert_eq!((found.engine, found.results.len()), ("DuckDuckGo", 1));
}

#[tokio::test]
async fn failures_are_told_with_what_to_do() {
    let challenge = "it asks for a proof that a person is searching, which cannot be given; wait \
                     some minutes, or add a key of Tavily or Brave Search.";
    let html = |status, body: &str| -> Reply { (status, HTML, body.into()) };
    for (reply, expected) in [
        (html("202 Accepted", CHALLENGE), challenge),
        (html("200 OK", CHALLENGE), challenge),
        (html("202 Accepted", ""), challenge),
        (html("403 Forbidden", ""), challenge),
        (busy(), "too many searches; wait 9 seconds."),
        (html("500 Oops", "x"), "it answered with status 500."),
        (
            html("200 OK", "<p>all new</p>"),
            "its answer could not be understood.",
        ),
    ] {
        let server = engines(busy(), busy(), reply.clone()).await;
        let found = search(&guard(), &options(&server, Keys::default()), "q", 5).await;
        let expected = format!("The web could not be searched. DuckDuckGo: {expected}");
        assert_eq!(found, Err(expected), "{reply:?}");
    }
    for (reply, expected) in [
        (
            ("432 Limit", JSON, Vec::new()),
            "the plan of the key is used up.",
        ),
        (
            ("200 OK", JSON, b"{}".to_vec()),
            "its answer could not be understood.",
        ),
        (
            ("200 OK", JSON, b"<html>".to_vec()),
            "its answer could not be understood.",
        ),
        (busy(), "too many searches; wait 9 seconds."),
    ] {
        let server = engines(reply, busy(), html("202 Accepted", "")).await;
        let found = search(&guard(), &options(&server, TAVILY_KEY), "q", 5).await;
        let expected =
            format!("The web could not be searched. Tavily: {expected} DuckDuckGo: {challenge}");
        assert_eq!(found, Err(expected));
    }
}

#[tokio::test]
async fn nothing_found_is_an_answer() {
    let server = engines(
        ok(r#"{"results":[]}"#),
        ok(r#"{"type":"search","query":{"original":"q"}}"#),
        ("200 OK", HTML, NOTHING.into()),
    )
    .await;
    for keys in [TAVILY_KEY, BRAVE_KEY, Keys::default()] {
        let found = search(&guard(), &options(&server, keys), "q", 5)
            .await
            .unwrap();
        assert_eq!((found.results, found.failed), (Vec::new(), Vec::new()));
    }
}

#[tokio::test]
async fn a_question_that_cannot_be_asked_is_told() {
    let server = engines(busy(), busy(), busy()).await;
    for query in [
        String::new(),
        " \u{200b}\n".to_owned(),
        "x".repeat(401),
        "x ".repeat(51),
    ] {
        let found = search(&guard(), &options(&server, Keys::default()), &query, 5).await;
        assert!(found.unwrap_err().starts_with("`query` is "), "{query}");
    }
    assert_eq!(server.requests(), Vec::<String>::new());
}
