//! Text of somebody else: cleaned once it is clean, and it never ends its own marks.
#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use mesoclaw_agent::prompt::untrusted::{clean, fenced};
use mesoclaw_api::item::Provenance;

const FENCE: &str = "00ff00ff00ff00ff";

fuzz_target!(|input: (&str, &str)| {
    let (text, source) = input;
    let cleaned = clean(text).into_owned();
    assert!(
        matches!(clean(&cleaned), Cow::Borrowed(_)),
        "{text:?} -> {cleaned:?}"
    );
    let is_kept = |c: char| matches!(c, '\n' | '\t') || !c.is_control();
    assert!(cleaned.chars().all(is_kept), "{cleaned:?}");
    assert!(cleaned.len() <= 4 * text.len() + 8);
    for mark in [
        "<|im_start|>",
        "<|eot_id|>",
        "[INST]",
        "<untrusted",
        "</untrusted",
    ] {
        assert!(!cleaned.contains(mark), "{mark} in {cleaned:?}");
    }
    let provenance = Provenance {
        source: source.to_owned(),
        taints: true,
        fence: FENCE.to_owned(),
    };
    let fenced = fenced(text, &provenance);
    assert_eq!(fenced.matches("<untrusted").count(), 1, "{fenced}");
    assert_eq!(fenced.matches("</untrusted").count(), 1, "{fenced}");
    let id = format!("id=\"{FENCE}\"");
    assert_eq!(fenced.matches(&id).count(), 2, "{fenced}");
    assert_eq!(
        fenced.lines().next().map(|line| line.matches('"').count()),
        Some(4)
    );
});
