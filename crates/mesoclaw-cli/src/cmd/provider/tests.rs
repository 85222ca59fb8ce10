//! Tests of what providers look like.

use mesoclaw_api::ops::provider::{Detected, FactSource, KeySource, Model, Price};

use super::words::{description, detected, key_word, rows, unencrypted};
use super::*;

fn provider(id: &str) -> Provider {
    Provider {
        id: id.to_owned(),
        name: format!("The {id}"),
        base_url: format!("https://{id}.example.org/v1"),
        dialect: "openai_chat".to_owned(),
        auth: "bearer".to_owned(),
        requires_api_key: true,
        key_name: Some(format!("api_key:{id}")),
        key_variables: vec!["X_API_KEY".to_owned()],
        has_api_key: false,
        key_source: None,
        api_version: None,
        is_active: false,
        is_user_defined: false,
        is_verified: true,
        created_at: None,
        is_default: false,
        note: None,
        models: Vec::new(),
    }
}

fn model(id: &str) -> Model {
    Model {
        id: format!("x:{id}"),
        provider_id: "x".to_owned(),
        model_id: id.to_owned(),
        display_name: id.to_owned(),
        context_limit: None,
        output_limit: None,
        supports_tools: true,
        supports_vision: None,
        price: None,
        is_custom: false,
        is_active: true,
        source: None,
    }
}

#[test]
fn what_can_be_used_comes_first_and_the_rest_on_request() {
    let mut used = provider("used");
    used.is_active = true;
    let mut default = provider("default");
    default.is_default = true;
    let mut added = provider("added");
    added.is_user_defined = true;
    let known = vec![provider("other"), used, default, added];
    let ids = |all| -> Vec<String> {
        let shown = sorted(known.clone(), all);
        shown.into_iter().map(|provider| provider.id).collect()
    };
    assert_eq!(ids(false), ["default", "added", "used"]);
    assert_eq!(ids(true), ["default", "added", "used", "other"]);
}

#[test]
fn keys_are_told_in_a_word() {
    let check = |source, has_api_key, requires_api_key, expected: &str| {
        let provider = Provider {
            key_source: source,
            has_api_key,
            requires_api_key,
            ..provider("x")
        };
        assert_eq!(key_word(&provider), expected);
    };
    check(Some(KeySource::Stored), true, true, "stored");
    check(Some(KeySource::Environment), true, true, "environment");
    check(Some(KeySource::Client), true, true, "this shell");
    check(None, false, true, "missing");
    check(None, false, false, "not needed");
}

#[test]
fn a_list_marks_what_was_not_verified() {
    let mut unverified = provider("a");
    unverified.is_verified = false;
    unverified.name = "evil\x1b[2J".to_owned();
    assert_eq!(
        table(&rows(&[unverified])),
        "ID  NAME       KEY      DIALECT      ADDRESS\n\
         a   evil^[[2J  missing  openai_chat  https://a.example.org/v1  unverified\n"
    );
}

#[test]
fn a_description_has_prices_with_their_source() {
    let mut shown = provider("x");
    shown.models = vec![
        Model {
            context_limit: Some(128_000),
            output_limit: Some(16_000),
            supports_vision: Some(true),
            price: Some(Price {
                input: 2_500_000,
                cached_input: Some(75_000),
                cache_write: None,
                output: 10_000_000,
            }),
            source: Some(FactSource {
                page: "https://x.example.org/prices".to_owned(),
                checked: "2026-11-22".to_owned(),
            }),
            ..model("big")
        },
        Model {
            supports_tools: false,
            ..model("small")
        },
    ];
    let text = description(&shown);
    let line = |name: &str| {
        let found = text.lines().find(|line| line.starts_with(name));
        let words: Vec<&str> = found.unwrap().split_whitespace().collect();
        words.join(" ")
    };
    assert_eq!(line("key:"), "key: missing; mesoclaw key set x");
    assert_eq!(
        line("big"),
        "big 128000 16000 yes yes $2.50 $0.075 - $10.00 [1]"
    );
    assert_eq!(line("[1]"), "[1] https://x.example.org/prices (2026-11-22)");
    assert_eq!(
        line("small"),
        "small unverified unverified in the prompt unverified unverified - - unverified -"
    );
    assert!(!text.contains("note:"), "{text}");
}

#[test]
fn origins_are_compared_without_path_and_name() {
    for (url, expected) in [
        ("https://API.openai.com/v1", "https://api.openai.com"),
        ("http://127.0.0.1:8080/v1?x=1", "http://127.0.0.1:8080"),
        ("https://me:pw@host/v1", "https://host"),
        ("host", "://host"),
    ] {
        assert_eq!(origin_of(url), expected);
    }
}

#[test]
fn finding_nothing_is_said() {
    let nothing = Detected {
        servers: Vec::new(),
        variables: Vec::new(),
    };
    assert_eq!(
        detected(&nothing, &[]),
        "no model server was found on this machine, and no key variable is set\n"
    );
    let of_shell = ["OPENAI_API_KEY".to_owned()];
    assert_eq!(
        detected(&nothing, &of_shell),
        "OPENAI_API_KEY is set in this shell\n"
    );
}

#[test]
fn a_key_on_the_open_way_is_noted() {
    let note = "the key of x would travel unencrypted to ";
    for (base_url, auth, host) in [
        (
            "http://models.example:8080/v1",
            "bearer",
            Some("models.example:8080"),
        ),
        ("HTTP://10.0.0.7/v1", "header:X-Key", Some("10.0.0.7")),
        ("http://10.0.0.7/v1", "none", None),
        ("https://models.example/v1", "bearer", None),
        ("http://127.0.0.1:8080/v1", "bearer", None),
        ("http://localhost/v1", "bearer", None),
        ("http://[::1]:8080", "bearer", None),
        ("", "bearer", None),
    ] {
        let mut provider = provider("x");
        base_url.clone_into(&mut provider.base_url);
        auth.clone_into(&mut provider.auth);
        let expected = host.map(|host| format!("{note}{host}"));
        assert_eq!(unencrypted(&provider), expected, "{base_url}");
    }
}
