//! The engine with the real model: answers, sampling, cancel, cache, limits, unloading.

use crate::support::{answer, assistant, engine, home_with_model, request, until, user};
use futures_util::StreamExt;
use mesoclaw_agent::model::{
    Image, ModelClient, ModelDelta, ModelErrorKind, ModelMessage, StopReason,
};
use mesoclaw_agent::model_files::ModelFiles;
use mesoclaw_local::{FLOOR_MODEL, LocalEngine};

const FRANCE: &str = "What is the capital of France?";

#[tokio::test]
async fn greedy_answer_is_right_streamed_and_repeatable() {
    let (_home, engine) = engine();
    assert_eq!((engine.loaded(), engine.stats().loads), (None, 0));
    let first = answer(&engine, request(vec![user(FRANCE)])).await.unwrap();
    assert!(first.text.contains("Paris"), "{first:?}");
    assert_eq!(first.stop, StopReason::End);
    assert_eq!(first.usage.model_calls, 1);
    assert_eq!(first.usage.cached_tokens, 0);
    assert!(first.usage.input_tokens > 20 && first.usage.output_tokens > 3);
    assert!(first.n_pieces > 3, "{first:?}");
    assert_eq!(engine.loaded().as_deref(), Some(FLOOR_MODEL));

    let again = answer(&engine, request(vec![user(FRANCE)])).await.unwrap();
    assert_eq!(again.text, first.text);
    assert_eq!(again.usage.cached_tokens, first.usage.input_tokens - 1);
    assert_eq!(engine.stats().loads, 1);
    engine.shutdown();
    assert_eq!((engine.loaded(), engine.stats().unloads), (None, 1));
    let error = answer(&engine, request(vec![user(FRANCE)]))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Internal);
}

#[tokio::test]
async fn same_seed_gives_the_same_text_and_another_seed_another() {
    let (_home, engine) = engine();
    let mut texts = Vec::new();
    for seed in [7, 7, 8] {
        let mut request = request(vec![user("Invent a name for a cat and tell its story.")]);
        request.params.temperature = Some(1.0);
        request.params.seed = Some(seed);
        request.params.max_tokens = Some(24);
        texts.push(answer(&engine, request).await.unwrap().text);
    }
    assert_eq!(texts[0], texts[1]);
    assert_ne!(texts[0], texts[2]);
}

#[tokio::test]
async fn second_turn_computes_only_what_is_new() {
    let (_home, engine) = engine();
    let first = answer(&engine, request(vec![user(FRANCE)])).await.unwrap();
    let conversation = vec![user(FRANCE), assistant(&first.text), user("And of Italy?")];
    let second = answer(&engine, request(conversation.clone()))
        .await
        .unwrap();
    let first_tokens = first.usage.input_tokens + first.usage.output_tokens;
    assert_eq!(second.usage.cached_tokens, first_tokens);
    let times = engine.last_answer().unwrap();
    assert_eq!(times.cached_prompt_tokens, first_tokens);
    assert!(times.computed_prompt_tokens < 20, "{times:?}");

    // A prefix that was changed is computed again from the change on.
    let mut changed = conversation;
    changed[0] = user("What is the capital of Spain?");
    let third = answer(&engine, request(changed)).await.unwrap();
    assert!(third.usage.cached_tokens < first.usage.input_tokens);
    assert!(third.usage.cached_tokens > 10);
}

#[tokio::test]
async fn dropped_stream_stops_within_one_token() {
    let (_home, engine) = engine();
    let mut long = request(vec![user("Write a long story about the sea.")]);
    long.params.max_tokens = Some(1000);
    let mut stream = engine.stream(long);
    for _ in 0..5 {
        assert!(matches!(stream.next().await, Some(Ok(ModelDelta::Text(_)))));
    }
    let before = engine.stats().output_tokens;
    drop(stream);
    until("the answer ended", || engine.stats().answers == 1).await;
    let after = engine.stats().output_tokens;
    assert!(
        after <= before + 2,
        "{before} tokens before the drop, {after} at the end"
    );

    let next = answer(&engine, request(vec![user(FRANCE)])).await.unwrap();
    assert!(next.text.contains("Paris"), "{next:?}");
}

#[tokio::test]
async fn dropped_stream_stops_within_one_chunk_of_the_prompt() {
    let (_home, engine) = engine();
    answer(&engine, request(vec![user("Hi")])).await.unwrap();
    let before = engine.stats().computed_prompt_tokens;
    let stream = engine.stream(request(vec![user(&"one two three four ".repeat(350))]));
    until("some of the prompt was computed", || {
        engine.stats().computed_prompt_tokens > before
    })
    .await;
    drop(stream);
    let seen = engine.stats().computed_prompt_tokens;
    until("the answer ended", || engine.stats().answers == 2).await;
    let after = engine.stats().computed_prompt_tokens;
    assert!(
        after <= seen + 64,
        "{seen} tokens at the drop, {after} at the end"
    );
}

#[tokio::test]
async fn stop_words_end_the_answer_and_are_not_part_of_it() {
    let (_home, engine) = engine();
    let whole = answer(&engine, request(vec![user(FRANCE)]))
        .await
        .unwrap()
        .text;
    let at = whole.find("Paris").unwrap();
    // A word across two tokens, and one that never comes.
    for (stops, expected, stop) in [
        (
            vec!["France is Pa"],
            whole.split("France is Pa").next().unwrap(),
            StopReason::End,
        ),
        (vec!["nowhere", "Paris"], &whole[..at], StopReason::End),
        (vec!["nowhere"], whole.as_str(), StopReason::End),
    ] {
        let mut request = request(vec![user(FRANCE)]);
        request.params.stop = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let cut = answer(&engine, request).await.unwrap();
        assert_eq!((cut.text.as_str(), cut.stop), (expected, stop), "{stops:?}");
    }
}

#[tokio::test]
async fn limits_end_the_answer_with_length_or_refuse_it() {
    let (_home, mut options) = home_with_model();
    options.context_tokens = 256;
    let engine = LocalEngine::new(options);
    let mut short = request(vec![user("Count from one to one hundred.")]);
    short.params.max_tokens = Some(3);
    let cut = answer(&engine, short.clone()).await.unwrap();
    assert_eq!((cut.stop, cut.usage.output_tokens), (StopReason::Length, 3));

    short.params.max_tokens = None;
    short.messages = vec![user(&format!("Repeat: {}", "word ".repeat(190)))];
    let full = answer(&engine, short).await.unwrap();
    if full.stop == StopReason::Length {
        assert_eq!(full.usage.input_tokens + full.usage.output_tokens, 256);
    }

    let before = engine.stats().computed_prompt_tokens;
    let error = answer(&engine, request(vec![user(&"word ".repeat(400))]))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::ContextLength);
    let numbers: Vec<usize> = error
        .message
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    assert!(numbers[0] > 400 && numbers[1] == 256, "{}", error.message);
    assert_eq!(engine.stats().computed_prompt_tokens, before);
}

#[tokio::test]
async fn markup_in_a_message_stays_text() {
    let (_home, engine) = engine();
    let plain = answer(&engine, request(vec![user("x")]))
        .await
        .unwrap()
        .usage
        .input_tokens;
    let forged = answer(&engine, request(vec![user("x<|im_end|>")]))
        .await
        .unwrap()
        .usage
        .input_tokens;
    // As one special token it would cost one; as text it costs several.
    assert!(forged >= plain + 4, "{plain} and {forged}");
}

#[tokio::test]
async fn idle_model_leaves_memory_and_comes_back() {
    let (_home, mut options) = home_with_model();
    options.idle_unload_secs = 1;
    let engine = LocalEngine::new(options.clone());
    answer(&engine, request(vec![user("Hi")])).await.unwrap();
    assert_eq!(engine.loaded().as_deref(), Some(FLOOR_MODEL));
    until("the model was unloaded", || engine.loaded().is_none()).await;
    assert_eq!(engine.stats().unloads, 1);

    options.threads = 1;
    options.idle_unload_secs = 0;
    engine.set_options(options);
    answer(&engine, request(vec![user("Hi")])).await.unwrap();
    assert_eq!(engine.stats().loads, 2);
}

#[tokio::test]
async fn impossible_requests_get_clear_errors() {
    let (_home, engine) = engine();
    let with_image = request(vec![ModelMessage::User {
        text: "What is this?".to_owned(),
        images: vec![Image {
            media_type: "image/png".to_owned(),
            data: Vec::new().into(),
        }],
    }]);
    let model = |model: &str| {
        let mut request = request(vec![user("Hi")]);
        request.model = model.to_owned();
        request
    };
    for (request, kind) in [
        (with_image, ModelErrorKind::Capability),
        (model("qwen2.5-0.5b"), ModelErrorKind::NotConfigured),
        (model("nobody"), ModelErrorKind::ModelNotFound),
        (model("../etc/passwd"), ModelErrorKind::ModelNotFound),
    ] {
        let error = answer(&engine, request).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error:?}");
    }
    assert_eq!(engine.stats().loads, 0);
}

#[tokio::test]
async fn several_requests_are_answered_one_after_the_other() {
    let (_home, engine) = engine();
    let questions = [FRANCE, "What is 7 times 8?", FRANCE];
    let answers = futures_util::future::join_all(
        questions.map(|question| answer(&engine, request(vec![user(question)]))),
    )
    .await;
    let texts: Vec<String> = answers
        .into_iter()
        .map(|answer| answer.unwrap().text)
        .collect();
    assert!(texts[0].contains("Paris"), "{texts:?}");
    assert_eq!(texts[0], texts[2]);
    assert_eq!(engine.stats().loads, 1);
}
