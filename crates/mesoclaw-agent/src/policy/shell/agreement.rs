//! Two readings of a line must see the same words, operators and here-documents.

use std::borrow::Cow;

use super::lexer::Token;

/// What both readings must agree on: words after quote removal, operators and here-documents in
/// the order in which they stand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Mark<'a> {
    Word(Cow<'a, str>),
    Op(&'static str),
    Text(&'a str),
}

/// Whether the lexer saw the same: its words may also be keywords, which the grammar has consumed.
pub(super) fn agrees(tokens: &[Token], marks: &[Mark<'_>]) -> bool {
    let mut marks = marks.iter().peekable();
    for token in tokens {
        let is_same = match (token, marks.peek()) {
            (Token::Word(word), Some(Mark::Word(text))) => word.text == *text,
            (Token::Op(op), Some(Mark::Op(mark))) => op == mark,
            (Token::HereDoc(text), Some(Mark::Text(mark))) => text == mark,
            _ => false,
        };
        if is_same {
            marks.next();
            continue;
        }
        let is_consumed = match token {
            Token::Word(word) => word.bare && is_keyword(&word.text),
            Token::Op(op) => *op == ";",
            Token::Newline => true,
            Token::HereDoc(_) => false,
        };
        if !is_consumed {
            return false;
        }
    }
    marks.next().is_none()
}

fn is_keyword(text: &str) -> bool {
    matches!(
        text,
        "if" | "then"
            | "elif"
            | "else"
            | "fi"
            | "while"
            | "until"
            | "do"
            | "done"
            | "{"
            | "}"
            | "!"
            | "time"
    )
}
