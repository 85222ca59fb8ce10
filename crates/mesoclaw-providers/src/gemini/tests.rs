//! The client against the scripted provider: real HTTP, whole rounds. Bad days of every dialect are
//! in `tests/dialects`.

use mesoclaw_agent::model::{ModelDelta, StopReason};
use mesoclaw_api::Usage;
use mesoclaw_testkit::model_server::Script;

use crate::Dialect;
use crate::test_support::{answer, called, full_request, provider, reasoning, rounds, text};

#[tokio::test]
async fn a_round_with_tools_is_understood_at_any_cut() {
    for script in rounds() {
        let (_server, client) = provider(Dialect::Gemini, script).await;
        let expected = vec![
            reasoning("hm "),
            text("d\u{ed}a \u{1f30d}"),
            called(0, "c3", "files", "{\"path\":\"c3\"}"),
            ModelDelta::CallSignature {
                index: 0,
                signature: "c2lnMQ==".to_owned(),
            },
            called(1, "c4", "files", "{\"path\":\"c4\"}"),
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
        assert_eq!(
            answer(&*client, full_request("test-model")).await,
            (expected, None)
        );
    }
}

#[tokio::test]
async fn the_request_goes_to_the_model_with_the_key_in_a_header() {
    let (server, client) = provider(Dialect::Gemini, Script::text("a")).await;
    answer(&*client, full_request("test-model")).await;
    let requests = server.wait_for_requests(1).await;
    let request = &requests[0];
    let key = request.headers.get("x-goog-api-key").map(String::as_str);
    assert_eq!(
        (request.path.as_str(), request.query.as_str(), key),
        (
            "/v1beta/models/test-model:streamGenerateContent",
            "alt=sse",
            Some("sk-secret")
        )
    );
    assert!(!request.headers.contains_key("authorization"));
}
