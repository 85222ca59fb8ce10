//! Tests of the plan of a run.

use super::*;

const STDINS: [StdinKind; 5] = [
    StdinKind::Terminal,
    StdinKind::File,
    StdinKind::PipeWithData,
    StdinKind::SilentPipe,
    StdinKind::Other,
];
const STDOUTS: [StdoutKind; 2] = [StdoutKind::Terminal, StdoutKind::Other];

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn check(form: Form, text: &str, stdin: StdinKind, stdout: StdoutKind, expected: Plan) {
    assert_eq!(
        plan(form, &words(text), stdin, stdout),
        expected,
        "{form:?} {text:?} {stdin:?} {stdout:?}"
    );
}

/// What is done with stdin beside words, on any stdout.
const WITH_WORDS: [(StdinKind, StdinUse); 5] = [
    (StdinKind::Terminal, StdinUse::Ignore),
    (StdinKind::File, StdinUse::Append),
    (StdinKind::PipeWithData, StdinUse::Append),
    (StdinKind::SilentPipe, StdinUse::IgnoreWithNote),
    (StdinKind::Other, StdinUse::IgnoreWithNote),
];

#[test]
fn a_terminal_without_words_is_a_chat_or_a_mistake() {
    let (stdin, terminal, other) = (StdinKind::Terminal, StdoutKind::Terminal, StdoutKind::Other);
    check(Form::Bare, "", stdin, terminal, Plan::Chat);
    check(Form::Bare, "", stdin, other, Plan::NoPrompt);
    check(Form::Run, "", stdin, terminal, Plan::NoPrompt);
    check(Form::Run, "", stdin, other, Plan::NoPrompt);
}

#[test]
fn stdin_without_words_is_the_prompt() {
    let whole = Plan::Ask(StdinUse::Whole);
    for stdout in STDOUTS {
        for form in [Form::Bare, Form::Run] {
            check(form, "", StdinKind::File, stdout, whole);
            check(form, "", StdinKind::PipeWithData, stdout, whole);
            check(form, "", StdinKind::SilentPipe, stdout, whole);
            check(form, "", StdinKind::Other, stdout, whole);
        }
    }
}

#[test]
fn stdin_beside_words_follows_them_when_it_has_something() {
    for stdout in STDOUTS {
        for form in [Form::Bare, Form::Run] {
            for (stdin, usage) in WITH_WORDS {
                check(form, "why", stdin, stdout, Plan::Ask(usage));
                check(form, "why is it", stdin, stdout, Plan::Ask(usage));
            }
        }
    }
}

#[test]
fn dash_forces_reading_from_anything() {
    for stdin in STDINS {
        for stdout in STDOUTS {
            for form in [Form::Bare, Form::Run] {
                check(form, "-", stdin, stdout, Plan::Ask(StdinUse::Whole));
                check(form, "a - b", stdin, stdout, Plan::Ask(StdinUse::Place));
                check(form, "a -", stdin, stdout, Plan::Ask(StdinUse::Place));
            }
        }
    }
}

#[test]
fn only_words_beside_a_pipe_need_patience() {
    for (text, expected) in [("", false), ("-", false), ("a -", false), ("a", true)] {
        assert_eq!(needs_patience(&words(text)), expected, "{text:?}");
    }
}
