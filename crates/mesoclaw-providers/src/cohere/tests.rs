//! The client against the scripted provider: real HTTP, whole rounds. Bad days of every dialect are
//! in `tests/dialects`.

use mesoclaw_agent::model::{ModelDelta, StopReason};
use mesoclaw_api::Usage;
use mesoclaw_testkit::model_server::{Script, Step};

use crate::Dialect;
use crate::test_support::{answer, called, full_request, provider, reasoning, rounds, text};

#[tokio::test]
async fn a_round_with_tools_is_understood_at_any_cut() {
    for mut script in rounds() {
        for reply in &mut script.replies {
            reply.steps.insert(0, Step::Plan("I look. ".to_owned()));
        }
        let (_server, client) = provider(Dialect::Cohere, script).await;
        let expected = vec![
            reasoning("I look. "),
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
                reasoning_tokens: 0,
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
async fn the_request_goes_to_version_two_with_a_bearer_key() {
    let (server, client) = provider(Dialect::Cohere, Script::text("a")).await;
    answer(&*client, full_request("test-model")).await;
    let requests = server.wait_for_requests(1).await;
    let key = requests[0].headers.get("authorization").map(String::as_str);
    assert_eq!(
        (requests[0].path.as_str(), key),
        ("/v2/chat", Some("Bearer sk-secret"))
    );
}
