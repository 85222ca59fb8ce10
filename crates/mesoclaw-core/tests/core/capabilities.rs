//! A model without tool support uses tools all the same.

use std::sync::Arc;

use mesoclaw_api::TurnOutcome;
use mesoclaw_api::ops::provider::{ModelAddParams, NewModel, ProviderModelAdd};
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, Step};
use serde_json::json;

use crate::support::{Bench, EchoTool, QUICK, texts_of};

fn plain_model() -> ModelAddParams {
    ModelAddParams::new(
        "one".to_owned(),
        NewModel {
            model_id: "m".to_owned(),
            display_name: None,
            supports_tools: Some(false),
            supports_vision: None,
            context_limit: None,
            output_limit: None,
            price: None,
        },
    )
}

#[tokio::test]
async fn tools_are_put_into_the_prompt_and_calls_read_out_of_the_text() {
    let pieces = [
        "I look.\n<tool",
        "_call>\n{\"name\": \"echo\", \"argum",
        "ents\": {\"a\": 1}}\n</tool_call>",
    ];
    let call = Reply::new(pieces.map(|piece| Step::Text(piece.to_owned())));
    let server = ModelServer::start(Script::replies([call, Reply::text("It is 1.")])).await;
    let tool = EchoTool::new("echo");
    let mut bench = Bench::with(QUICK, vec![Arc::clone(&tool) as _]).await;
    bench.provider("one", &server).await;
    bench.call::<ProviderModelAdd>(plain_model()).await.unwrap();
    let (session_id, outcome) = bench.say("what is a?").await;
    assert_eq!(outcome, TurnOutcome::Completed);
    assert_eq!(*tool.runs.lock().unwrap(), [json!({"a": 1})]);
    assert_eq!(
        bench.story(&session_id).await,
        [
            "user what is a?",
            "assistant I look.\n",
            "tool_call echo",
            "tool_result echo",
            "assistant It is 1.",
            "outcome completed"
        ]
    );
    let requests = server.requests();
    for request in &requests {
        assert!(request.body.get("tools").is_none(), "{}", request.body);
        let texts = texts_of(request);
        assert!(texts[0].starts_with("system: ") && texts[0].contains("- echo: repeats its"));
    }
    let texts = texts_of(&requests[1]);
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert!(
        texts[2].starts_with("assistant: ") && texts[2].contains("<tool_call>"),
        "{texts:?}"
    );
    assert!(
        texts[3].starts_with("user: <tool_result name=\"echo\">"),
        "{texts:?}"
    );
    assert!(texts[3].contains("{\"a\":1}"), "{texts:?}");
}

#[tokio::test]
async fn a_broken_call_in_the_text_gets_its_one_repair_too() {
    let broken = "<tool_call>{\"name\": \"echo\", \"arguments\": {\"a\": </tool_call>";
    let good = "<tool_call>{\"name\": \"echo\", \"arguments\": {\"a\": 2}}</tool_call>";
    let server = ModelServer::start(Script::replies([
        Reply::new([Step::Text(broken.to_owned())]),
        Reply::new([Step::Text(good.to_owned())]),
        Reply::text("done"),
    ]))
    .await;
    let tool = EchoTool::new("echo");
    let mut bench = Bench::with(QUICK, vec![Arc::clone(&tool) as _]).await;
    bench.provider("one", &server).await;
    bench.call::<ProviderModelAdd>(plain_model()).await.unwrap();
    let (_, outcome) = bench.say("go").await;
    assert_eq!(outcome, TurnOutcome::Completed);
    assert_eq!(*tool.runs.lock().unwrap(), [json!({"a": 2})]);
    let texts = texts_of(&server.requests()[1]);
    assert!(
        texts.last().unwrap().contains("not valid JSON"),
        "{texts:?}"
    );
}

#[tokio::test]
async fn without_tools_nothing_is_put_into_the_prompt() {
    let server = ModelServer::start(Script::text("hello")).await;
    let mut bench = Bench::configured(QUICK).await;
    bench.provider("one", &server).await;
    bench.call::<ProviderModelAdd>(plain_model()).await.unwrap();
    bench.say("hi").await;
    assert!(!texts_of(&server.requests()[0])[0].contains("<tool_call>"));
}
