//! The dialect against the scripted provider, which refuses what the maker refuses. Bad days of every
//! dialect are in `tests/dialects`.

use mesoclaw_agent::model::{ModelDelta, ModelErrorKind, StopReason};
use mesoclaw_api::Usage;
use mesoclaw_testkit::model_server::{Script, Step, Stop, WireKind};

use super::*;
use crate::Dialect;
use crate::test_support::{
    KEY, all_params, answer, called, full_request, provider, reasoning, rounds, text,
};

fn request() -> ModelRequest {
    ModelRequest {
        params: all_params(),
        ..full_request("claude-opus-4-6")
    }
}

#[tokio::test]
async fn a_round_with_tools_is_understood_at_any_cut() {
    for script in rounds() {
        let (_server, client) = provider(Dialect::Anthropic, script).await;
        let expected = vec![
            reasoning("hm "),
            text("d\u{ed}a \u{1f30d}"),
            called(0, "c3", "files", ""),
            called(0, "", "", "{\"path\":"),
            called(0, "", "", "\"c3\"}"),
            called(1, "c4", "files", ""),
            called(1, "", "", "{\"path\":"),
            called(1, "", "", "\"c4\"}"),
            ModelDelta::Usage(Usage {
                input_tokens: 20,
                cached_tokens: 16,
                output_tokens: 9,
                reasoning_tokens: 4,
                cache_write_tokens: 0,
                model_calls: 1,
            }),
            ModelDelta::Stop(StopReason::ToolCalls),
        ];
        assert_eq!(answer(&*client, request()).await, (expected, None));
    }
}

#[tokio::test]
async fn the_request_goes_where_the_maker_wants_it_with_the_key_in_its_place() {
    let (server, client) = provider(Dialect::Anthropic, Script::text("a")).await;
    answer(&*client, request()).await;
    let requests = server.wait_for_requests(1).await;
    let headers = &requests[0].headers;
    assert_eq!(requests[0].path, "/v1/messages");
    assert_eq!(headers["x-api-key"], KEY);
    assert_eq!(headers["anthropic-version"], "2023-06-01");
    assert!(!headers.contains_key("authorization"));
}

#[tokio::test]
async fn what_comes_inside_a_stream_is_told_apart() {
    let say = || Step::Text("é".to_owned());
    let stop = |stop| Step::Finish(WireKind::Anthropic.stop_word(stop).to_owned());
    let said = |reason| vec![text("é"), ModelDelta::Stop(reason)];
    for (steps, expected, kind) in [
        (
            vec![Step::KeepAlive, say(), Step::UnknownEvent, Step::KeepAlive],
            said(StopReason::End),
            None,
        ),
        (
            vec![say(), stop(Stop::Length)],
            said(StopReason::Length),
            None,
        ),
        (
            vec![say(), stop(Stop::Filter)],
            said(StopReason::Filtered),
            None,
        ),
        (
            vec![Step::StreamError(429)],
            vec![],
            Some(ModelErrorKind::RateLimited),
        ),
        (
            vec![Step::StreamError(400)],
            vec![],
            Some(ModelErrorKind::Rejected),
        ),
        (
            vec![Step::StreamError(529)],
            vec![],
            Some(ModelErrorKind::Server),
        ),
    ] {
        let script = Script::always(steps.clone());
        let (_server, client) = provider(Dialect::Anthropic, script).await;
        let (mut deltas, found) = answer(&*client, request()).await;
        deltas.retain(|delta| !matches!(delta, ModelDelta::Usage(_)));
        assert_eq!((deltas, found), (expected, kind), "{steps:?}");
    }
}
