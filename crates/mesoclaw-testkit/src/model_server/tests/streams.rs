//! What may happen to a stream of any format: pieces, line endings, things between events, faults.

use super::*;

/// What the text of a stream comes to.
fn said(kind: WireKind, events: &[Value]) -> String {
    let pointer = match kind {
        WireKind::OpenAiChat | WireKind::Azure => "/choices/0/delta/content",
        WireKind::OpenAiResponses => "/delta",
        WireKind::Anthropic => "/delta/text",
        WireKind::Gemini => "/candidates/0/content/parts/0/text",
        WireKind::Cohere => "/delta/message/content/text",
        WireKind::Ollama => "/message/content",
    };
    let is_text = |event: &&Value| event["type"] != "content-start";
    events
        .iter()
        .filter(is_text)
        .filter_map(|event| event.pointer(pointer)?.as_str())
        .collect()
}

#[test]
fn answers_come_in_pieces_of_the_scripted_size() {
    for kind in WireKind::ALL {
        let script = Script::always([text("aé漢😀"), text("z")]);
        let plain = ModelServer::start_blocking(script.clone());
        let whole = ask(&plain, kind);
        for size in [1, 3] {
            let server = ModelServer::start_blocking(Script {
                split_bytes: Some(size),
                ..script.clone()
            });
            let raw = ask(&server, kind);
            assert_eq!(raw.body, whole.body, "{kind:?}");
            assert!(raw.pieces.iter().all(|n| *n <= size), "{kind:?}");
            assert_eq!(said(kind, &events(&raw.body)), "aé漢😀z", "{kind:?}");
        }
        let server = ModelServer::start_blocking(script.split_everywhere());
        let raw = ask_whole(&server, kind);
        assert_eq!(raw.pieces, vec![1; raw.body.len()], "{kind:?}");
        let again = ask_whole(&plain, kind).body.replace("test1", "test0");
        assert_eq!(raw.body, again, "{kind:?}");
    }
}

#[test]
fn lines_end_as_scripted() {
    for kind in WireKind::ALL {
        let script = Script::always([text("a\nb"), Step::KeepAlive, Step::UnknownEvent]);
        let plain = ask(&ModelServer::start_blocking(script.clone()), kind);
        let server = ModelServer::start_blocking(Script {
            line_ending: LineEnding::Crlf,
            ..script
        });
        let raw = ask(&server, kind);
        assert_eq!(raw.body, plain.body.replace('\n', "\r\n"), "{kind:?}");
        assert_eq!(events(&raw.body), events(&plain.body), "{kind:?}");
    }
}

#[test]
fn what_keeps_a_stream_open_is_the_makers() {
    for kind in WireKind::ALL {
        let plain = Script::always([text("a"), text("b")]);
        let plain = ask(&ModelServer::start_blocking(plain), kind).body;
        let kept = Script::always([text("a"), Step::KeepAlive, text("b")]);
        let kept = ask(&ModelServer::start_blocking(kept), kind).body;
        let ping = match kind {
            WireKind::Anthropic => "event: ping\ndata: {\"type\": \"ping\"}\n\n",
            WireKind::Ollama => "\n",
            WireKind::OpenAiChat
            | WireKind::OpenAiResponses
            | WireKind::Gemini
            | WireKind::Cohere
            | WireKind::Azure => ": ping\n\n",
        };
        assert_eq!(kept.len(), plain.len() + ping.len(), "{kind:?}");
        assert!(kept.contains(&format!("\n{ping}")), "{kind:?}");
        let n_more = usize::from(kind == WireKind::Anthropic);
        assert_eq!(events(&kept).len(), events(&plain).len() + n_more);
    }
}

#[test]
fn an_unknown_event_is_one_event_more() {
    for kind in WireKind::ALL {
        let plain = Script::always([text("a"), text("b")]);
        let plain = events(&ask(&ModelServer::start_blocking(plain), kind).body);
        let more = Script::always([text("a"), Step::UnknownEvent, text("b")]);
        let more = events(&ask(&ModelServer::start_blocking(more), kind).body);
        assert_eq!(more.len(), plain.len() + 1, "{kind:?}");
        let unknown = more
            .iter()
            .find(|event| event.to_string().contains("uture"));
        assert!(unknown.is_some(), "{kind:?}");
    }
}

#[test]
fn faults_break_every_stream_as_scripted() {
    for kind in WireKind::ALL {
        let end = if kind == WireKind::Ollama {
            "\n"
        } else {
            "\n\n"
        };
        let whole = ask(
            &ModelServer::start_blocking(Script::always([text("a")])),
            kind,
        );
        let last = events(&whole.body).pop().unwrap();
        for (fault, is_whole, ends, has_last) in [
            (Step::Cut, false, true, false),
            (Step::CutMidEvent, false, false, false),
            (Step::End, true, true, false),
            (Step::BadJson, true, true, true),
        ] {
            let what = format!("{kind:?} {fault:?}");
            let is_bad = fault == Step::BadJson;
            let server = ModelServer::start_blocking(Script::always([text("a"), fault]));
            let raw = ask(&server, kind);
            assert_eq!(raw.is_whole, is_whole, "{what}");
            assert_eq!(raw.body.ends_with(end), ends, "{what}");
            let ending = if is_whole {
                Ending::Complete
            } else {
                Ending::Cut
            };
            assert_eq!(server.wait_for_ending_blocking(0), ending, "{what}");
            if !ends {
                assert!(events(&raw.body).last().is_some_and(is_broken), "{what}");
                continue;
            }
            let events = events(&raw.body);
            let is_last = |event: &Value| {
                event["type"] == last["type"] && event.is_string() == last.is_string()
            };
            let ended = events.last().is_some_and(is_last) && events.len() > 2;
            assert!(!has_last || ended, "{what}");
            assert_eq!(
                events.iter().filter(|e| is_broken(e)).count(),
                usize::from(is_bad)
            );
        }
    }
}

fn is_broken(event: &Value) -> bool {
    event.as_str().is_some_and(|text| text != "[DONE]")
}

#[test]
fn an_error_in_the_middle_ends_a_stream_in_the_makers_words() {
    let failed = "The server had an error while processing your request.";
    for (kind, expected) in [
        (
            WireKind::OpenAiChat,
            json!({"error": {"message": failed, "type": "server_error", "param": null,
                "code": null}}),
        ),
        (
            WireKind::Anthropic,
            json!({"type": "error", "error": {"type": "overloaded_error",
                "message": "Overloaded"}, "request_id": "req_test"}),
        ),
        (
            WireKind::Gemini,
            json!({"error": {"code": 529, "status": "UNAVAILABLE",
                "message": "The model is overloaded. Please try again later."}}),
        ),
        (
            WireKind::Cohere,
            json!({"type": "message-end",
                "delta": {"finish_reason": "ERROR", "error": "internal server error"}}),
        ),
        (
            WireKind::Ollama,
            json!({"error": "an error was encountered while running the model"}),
        ),
    ] {
        let steps = [text("a"), Step::StreamError(529), text("b")];
        let server = ModelServer::start_blocking(Script::always(steps));
        let raw = ask(&server, kind);
        assert!(raw.is_whole, "{kind:?}");
        let events = events(&raw.body);
        assert_eq!(events.last(), Some(&expected), "{kind:?}");
        assert_eq!(said(kind, &events), "a", "{kind:?}");
        assert_eq!(server.wait_for_ending_blocking(0), Ending::Complete);
    }
    let steps = [text("a"), Step::StreamError(429)];
    let server = ModelServer::start_blocking(Script::always(steps));
    let events = events(&ask(&server, WireKind::OpenAiResponses).body);
    let [.., error, last] = events.as_slice() else {
        panic!("two events");
    };
    assert_eq!(
        *error,
        json!({"type": "error", "sequence_number": 5, "code": "rate_limit_exceeded",
            "message": failed, "param": null})
    );
    assert_eq!(last["type"], "response.failed");
    assert_eq!(
        last["response"]["error"],
        json!({"code": "rate_limit_exceeded", "message": failed})
    );
}

#[test]
fn every_maker_has_its_word_for_the_end() {
    let place = |kind| match kind {
        WireKind::OpenAiChat | WireKind::Azure => "/choices/0/finish_reason",
        WireKind::OpenAiResponses => "/response/incomplete_details/reason",
        WireKind::Anthropic => "/delta/stop_reason",
        WireKind::Gemini => "/candidates/0/finishReason",
        WireKind::Cohere => "/delta/finish_reason",
        WireKind::Ollama => "/done_reason",
    };
    for kind in WireKind::ALL {
        let word = kind.stop_word(Stop::Length);
        let steps = [text("a"), Step::Finish(word.to_owned())];
        let server = ModelServer::start_blocking(Script::always(steps));
        let events = events(&ask(&server, kind).body);
        let found = events
            .iter()
            .filter_map(|event| event.pointer(place(kind))?.as_str());
        assert_eq!(found.collect::<Vec<_>>(), [word], "{kind:?}");
    }
}

#[test]
fn ten_thousand_tokens_arrive_in_every_format() {
    let expected: Vec<_> = (0..10_000).map(|n| format!("{n} ")).collect();
    let expected = expected.concat();
    for kind in WireKind::ALL {
        let server = ModelServer::start_blocking(Script::always([Step::tokens(10_000)]));
        let said = said(kind, &events(&ask(&server, kind).body));
        assert!(
            said == expected,
            "{kind:?}: {} of {}",
            said.len(),
            expected.len()
        );
    }
}

#[test]
fn a_client_that_leaves_is_noticed_in_every_format() {
    for kind in WireKind::ALL {
        let steps = [text("a"), Step::Stall(3_600_000)];
        let server = ModelServer::start_blocking(Script::always(steps));
        let body = least(kind, true).to_string();
        let client = send(&server, "POST", path(kind), key(kind), &body);
        server.wait_for_content_blocking(0);
        drop(client);
        assert_eq!(server.wait_for_ending_blocking(0), Ending::ClientGone);
    }
}
