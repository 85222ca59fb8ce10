//! What a streamed token costs in a dialect, beyond reading its bytes: a whole answer through the
//! client of the daemon, then the same request through a bare HTTP client that drops what it
//! reads. Both in this thread, in turns; the scripted server has a thread of its own.

use std::time::{Duration, Instant};

use mesoclaw_agent::model::ModelClient;
use mesoclaw_providers::Dialect;
use mesoclaw_testkit::model_server::{ModelServer, RecordedRequest, Script, Step, WireKind};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};

use crate::dialect::{REMOTE, client, read};
use crate::process::thread_cpu_time;
use crate::row::{Row, us_each};
use crate::run::Setting;
use crate::turn::{block_on, numbered};

/// What reading one answer cost.
#[derive(Clone, Copy)]
struct Cost {
    /// Processor time of this thread.
    cpu: Duration,
    /// From the request to the end of the answer.
    time: Duration,
}

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let expected = numbered(setting.n_tokens);
    REMOTE
        .into_iter()
        .flat_map(|(dialect, wire)| {
            let script = Script::always([Step::tokens(setting.n_tokens)]);
            let server = ModelServer::start_blocking(script);
            let rounds = block_on(measure(setting, &server, dialect, wire, &expected));
            rows(dialect, setting.n_tokens, &rounds)
        })
        .collect()
}

/// The costs of ours and of the bare client, round by round.
async fn measure(
    setting: &Setting,
    server: &ModelServer,
    dialect: Dialect,
    wire: WireKind,
    expected: &str,
) -> Vec<(Cost, Cost)> {
    let ours = client(dialect, server.base_url_for(wire));
    let mut text = String::with_capacity(expected.len());
    read(&*ours, |piece| text.push_str(piece)).await;
    assert_eq!(text.len(), expected.len(), "bytes were lost");
    assert!(text == expected, "the text is another one");

    let asked = server.requests().pop().expect("a request");
    let bare = bare_client();
    let request = bare_request(&bare, server, &asked);
    let mut rounds = Vec::new();
    // The first round warms connections and caches. Who goes first changes every round.
    for round in 0..=setting.rounds(9, 3) {
        let costs = if round % 2 == 0 {
            let ours = through_dialect(&*ours, expected.len()).await;
            (ours, through_bare(&request).await)
        } else {
            let bare = through_bare(&request).await;
            (through_dialect(&*ours, expected.len()).await, bare)
        };
        if round > 0 {
            rounds.push(costs);
        }
    }
    rounds
}

async fn through_dialect(client: &dyn ModelClient, n_bytes: usize) -> Cost {
    let mut seen = 0;
    let cost = costs(read(client, |piece| seen += piece.len())).await;
    assert_eq!(seen, n_bytes, "bytes were lost");
    cost
}

async fn through_bare(request: &RequestBuilder) -> Cost {
    let request = request.try_clone().expect("a body that is not a stream");
    costs(async {
        let mut response = request.send().await.expect("the server answers");
        assert_eq!(response.status(), 200, "the server refuses");
        while response.chunk().await.expect("a whole answer").is_some() {}
    })
    .await
}

async fn costs(work: impl Future<Output = ()>) -> Cost {
    let (start, cpu) = (Instant::now(), thread_cpu_time());
    work.await;
    Cost {
        cpu: thread_cpu_time().saturating_sub(cpu),
        time: start.elapsed(),
    }
}

/// A client with the settings that ours has.
fn bare_client() -> Client {
    Client::builder()
        .redirect(Policy::none())
        .tcp_nodelay(true)
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client")
}

/// The request that ours made, so that the answer has the same bytes.
fn bare_request(client: &Client, server: &ModelServer, asked: &RecordedRequest) -> RequestBuilder {
    let mut url = format!("http://{}{}", server.addr(), asked.path);
    if !asked.query.is_empty() {
        url = format!("{url}?{}", asked.query);
    }
    let mut request = client.post(url).body(asked.body.to_string());
    for (name, value) in &asked.headers {
        // These two belong to the connection and to the body as it is written now.
        if !matches!(name.as_str(), "host" | "content-length") {
            request = request.header(name, value);
        }
    }
    request
}

fn rows(dialect: Dialect, n_tokens: u64, rounds: &[(Cost, Cost)]) -> Vec<Row> {
    let word = dialect.as_str();
    let each = |span| us_each(span, n_tokens);
    let row = |name: &str, value: &dyn Fn(&Cost, &Cost) -> f64| {
        let values = rounds.iter().map(|(ours, bare)| value(ours, bare));
        Row::of(format!("{word}: {name}"), "µs", values.collect())
    };
    vec![
        row("CPU a token over a bare client", &|ours, bare| {
            each(ours.cpu) - each(bare.cpu)
        })
        .goal("≤ 8 µs"),
        row("time a token over a bare client", &|ours, bare| {
            each(ours.time) - each(bare.time)
        }),
        row("the bare client, CPU a token", &|_, bare| each(bare.cpu)),
        row("the bare client, time a token", &|_, bare| each(bare.time)),
    ]
}
