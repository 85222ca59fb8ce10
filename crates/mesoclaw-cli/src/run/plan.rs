//! The decision table of the command line: what to do with the words and with stdin. Pure.

use crate::term::{StdinKind, StdoutKind};

/// The word that stands for what stdin holds.
pub const PLACE: &str = "-";

/// How the command was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `mesoclaw ...`
    Bare,
    /// `mesoclaw run ...`
    Run,
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plan {
    /// Talk line by line.
    Chat,
    /// Ask one question.
    Ask(StdinUse),
    /// Nothing was asked, and nobody will ask anything.
    NoPrompt,
}

/// What stdin is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StdinUse {
    /// Not looked at.
    Ignore,
    /// Not looked at, and a note says so.
    IgnoreWithNote,
    /// It is the prompt.
    Whole,
    /// It follows the words as a block.
    Append,
    /// It stands where `-` is.
    Place,
}

/// The decision table.
pub fn plan(form: Form, words: &[String], stdin: StdinKind, stdout: StdoutKind) -> Plan {
    match words {
        [] => without_words(form, stdin, stdout),
        [only] if only == PLACE => Plan::Ask(StdinUse::Whole),
        words if words.iter().any(|word| word == PLACE) => Plan::Ask(StdinUse::Place),
        _ => Plan::Ask(match stdin {
            StdinKind::Terminal => StdinUse::Ignore,
            StdinKind::File | StdinKind::PipeWithData => StdinUse::Append,
            StdinKind::SilentPipe | StdinKind::Other => StdinUse::IgnoreWithNote,
        }),
    }
}

fn without_words(form: Form, stdin: StdinKind, stdout: StdoutKind) -> Plan {
    match (stdin, stdout, form) {
        (StdinKind::Terminal, StdoutKind::Terminal, Form::Bare) => Plan::Chat,
        // A person who redirected the output is not asked for input.
        (StdinKind::Terminal, _, _) => Plan::NoPrompt,
        (
            StdinKind::File | StdinKind::PipeWithData | StdinKind::SilentPipe | StdinKind::Other,
            _,
            _,
        ) => Plan::Ask(StdinUse::Whole),
    }
}

/// Whether the plan depends on a pipe having data: only then it is waited for.
pub fn needs_patience(words: &[String]) -> bool {
    !words.is_empty() && !words.iter().any(|word| word == PLACE)
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn table_has_a_row_for_every_case() {
        use Form::{Bare, Run};
        use StdinKind as In;
        use StdoutKind as Out;
        let rows = [
            // No words.
            (Bare, "", In::Terminal, Out::Terminal, Plan::Chat),
            (Run, "", In::Terminal, Out::Terminal, Plan::NoPrompt),
            (Bare, "", In::Terminal, Out::Other, Plan::NoPrompt),
            (Run, "", In::Terminal, Out::Other, Plan::NoPrompt),
            (
                Bare,
                "",
                In::File,
                Out::Terminal,
                Plan::Ask(StdinUse::Whole),
            ),
            (Bare, "", In::File, Out::Other, Plan::Ask(StdinUse::Whole)),
            (
                Bare,
                "",
                In::PipeWithData,
                Out::Terminal,
                Plan::Ask(StdinUse::Whole),
            ),
            (
                Bare,
                "",
                In::PipeWithData,
                Out::Other,
                Plan::Ask(StdinUse::Whole),
            ),
            (
                Bare,
                "",
                In::SilentPipe,
                Out::Terminal,
                Plan::Ask(StdinUse::Whole),
            ),
            (
                Bare,
                "",
                In::SilentPipe,
                Out::Other,
                Plan::Ask(StdinUse::Whole),
            ),
            (
                Bare,
                "",
                In::Other,
                Out::Terminal,
                Plan::Ask(StdinUse::Whole),
            ),
            (Bare, "", In::Other, Out::Other, Plan::Ask(StdinUse::Whole)),
            // Words.
            (
                Bare,
                "why",
                In::Terminal,
                Out::Terminal,
                Plan::Ask(StdinUse::Ignore),
            ),
            (
                Bare,
                "why",
                In::Terminal,
                Out::Other,
                Plan::Ask(StdinUse::Ignore),
            ),
            (
                Bare,
                "why",
                In::File,
                Out::Terminal,
                Plan::Ask(StdinUse::Append),
            ),
            (
                Bare,
                "why",
                In::File,
                Out::Other,
                Plan::Ask(StdinUse::Append),
            ),
            (
                Bare,
                "why",
                In::PipeWithData,
                Out::Terminal,
                Plan::Ask(StdinUse::Append),
            ),
            (
                Bare,
                "why",
                In::PipeWithData,
                Out::Other,
                Plan::Ask(StdinUse::Append),
            ),
            (
                Bare,
                "why",
                In::SilentPipe,
                Out::Terminal,
                Plan::Ask(StdinUse::IgnoreWithNote),
            ),
            (
                Bare,
                "why",
                In::SilentPipe,
                Out::Other,
                Plan::Ask(StdinUse::IgnoreWithNote),
            ),
            (
                Bare,
                "why",
                In::Other,
                Out::Terminal,
                Plan::Ask(StdinUse::IgnoreWithNote),
            ),
            (
                Bare,
                "why",
                In::Other,
                Out::Other,
                Plan::Ask(StdinUse::IgnoreWithNote),
            ),
        ];
        for (form, text, stdin, stdout, expected) in rows {
            check(form, text, stdin, stdout, expected);
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
    fn run_decides_about_words_like_the_bare_form() {
        for stdin in STDINS {
            for stdout in STDOUTS {
                let words = words("why");
                assert_eq!(
                    plan(Form::Run, &words, stdin, stdout),
                    plan(Form::Bare, &words, stdin, stdout)
                );
            }
        }
    }

    #[test]
    fn only_words_beside_a_pipe_need_patience() {
        for (text, expected) in [("", false), ("-", false), ("a -", false), ("a", true)] {
            assert_eq!(needs_patience(&words(text)), expected, "{text:?}");
        }
    }
}
