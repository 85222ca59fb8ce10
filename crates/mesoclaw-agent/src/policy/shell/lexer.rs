//! The strict lexer: words, operators and here-documents of a line, or why not.

use super::words::{Word, word_at};
use super::{DEPTH_MAX, PARTS_MAX, Unclear};
use crate::policy::rules::rule;

/// One token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// A word.
    Word(Word),
    /// An operator.
    Op(&'static str),
    /// The end of a line.
    Newline,
    /// The text of a here-document, after its end word.
    HereDoc(String),
}

/// Operators that are understood, longest first.
const OPERATORS: [&str; 16] = [
    "<<-", "&&", "||", "<<", "<>", "<&", ">>", ">|", ">&", "<", ">", "|", "&", ";", "(", ")",
];

/// Operators that only some shells have, or that start something that is not judged.
const UNCLEAR_OPERATORS: [(&str, &str); 9] = [
    ("&>", "`&>`, which some shells read as two commands"),
    ("|&", "`|&`, which only some shells have"),
    ("<<<", "`<<<`, which only some shells have"),
    (";;", "`;;`, a part of a case"),
    (";&", "`;&`, a part of a case"),
    ("((", "`((`, a calculation or two groups"),
    ("<(", "a command runs inside the line (`<(`)"),
    (">(", "a command runs inside the line (`>(`)"),
    ("()", "a function is defined"),
];

/// Keywords that start something that is not judged.
const UNCLEAR_KEYWORDS: [&str; 9] = [
    "for", "case", "select", "function", "coproc", "[[", "esac", "in", "let",
];

/// Takes a line apart.
pub(super) fn lex(line: &str) -> Result<Vec<Token>, Unclear> {
    let mut lexer = Lexer {
        line,
        at: 0,
        tokens: Vec::new(),
        depth: 0,
        at_command: true,
        here: None,
    };
    while lexer.next()? {}
    if lexer.here.is_some() {
        return Err(Unclear::new("a here-document has no text"));
    }
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    line: &'a str,
    at: usize,
    tokens: Vec<Token>,
    depth: usize,
    /// Whether a word here could be a keyword.
    at_command: bool,
    here: Option<Here>,
}

struct Here {
    delimiter: String,
    is_literal: bool,
    strips_tabs: bool,
    /// Where its text belongs among the tokens.
    place: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// Reads one token; false at the end.
    fn next(&mut self) -> Result<bool, Unclear> {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else {
            return Ok(false);
        };
        match c {
            ' ' | '\t' => self.at += 1,
            '\n' => self.newline()?,
            '#' => self.at += rest.find('\n').unwrap_or(rest.len()),
            '\\' if rest.starts_with("\\\n") => self.continuation()?,
            '|' | '&' | ';' | '<' | '>' | '(' | ')' => self.operator()?,
            _ => self.word()?,
        }
        if self.tokens.len() > PARTS_MAX * 16 {
            return Err(Unclear::forbidden(
                rule::SHELL_TOO_LONG,
                "the command has too many words",
            ));
        }
        Ok(true)
    }

    /// A line goes on only between words: elsewhere shells read it in ways that are easy to hide
    /// something behind.
    fn continuation(&mut self) -> Result<(), Unclear> {
        let before = self.line.get(..self.at).unwrap_or_default();
        let after = self.line.get(self.at + 2..).unwrap_or_default();
        if !before.ends_with([' ', '\t']) || after.starts_with(['\\', '\n']) || after.is_empty() {
            return Err(Unclear::new("a line goes on in the middle of something"));
        }
        self.at += 2;
        Ok(())
    }

    fn newline(&mut self) -> Result<(), Unclear> {
        self.at += 1;
        self.at_command = true;
        self.tokens.push(Token::Newline);
        let Some(here) = self.here.take() else {
            return Ok(());
        };
        let mut text = String::new();
        loop {
            let rest = self.rest();
            if rest.is_empty() {
                return Err(Unclear::new("a here-document does not end"));
            }
            let (row, length) = match rest.split_once('\n') {
                Some((row, _)) => (row, row.len() + 1),
                None => (rest, rest.len()),
            };
            let row = if here.strips_tabs {
                row.trim_start_matches('\t')
            } else {
                row
            };
            let is_end = row == here.delimiter;
            if !is_end {
                if !here.is_literal && row.contains(['$', '`', '\\']) {
                    return Err(Unclear::new("a here-document expands something"));
                }
                text.push_str(row);
                text.push('\n');
            }
            self.at += length;
            if is_end {
                self.tokens.insert(here.place, Token::HereDoc(text));
                return Ok(());
            }
        }
    }

    fn operator(&mut self) -> Result<(), Unclear> {
        let rest = self.rest();
        if let Some((_, what)) = UNCLEAR_OPERATORS
            .iter()
            .find(|(text, _)| rest.starts_with(text))
        {
            return Err(Unclear::new(*what));
        }
        let Some(op) = OPERATORS.into_iter().find(|op| rest.starts_with(op)) else {
            return Err(Unclear::new("an operator that is not known"));
        };
        self.at += op.len();
        self.check_digits(op)?;
        match op {
            "(" => {
                if !self.at_command {
                    return Err(Unclear::new("a parenthesis after a word"));
                }
                self.deeper()?;
            }
            ")" => self.depth = self.depth.saturating_sub(1),
            "<<" | "<<-" => return self.here_document(op),
            _ => {}
        }
        self.at_command = matches!(op, "&&" | "||" | "|" | "&" | ";" | "(");
        self.tokens.push(Token::Op(op));
        Ok(())
    }

    /// A number right before a redirection is a part of it: then it is one digit, and not kept.
    fn check_digits(&mut self, op: &'static str) -> Result<(), Unclear> {
        if !op.starts_with(['<', '>']) {
            return Ok(());
        }
        let before = self.line.get(..self.at - op.len()).unwrap_or_default();
        if before.ends_with([' ', '\t', '\n', ')', '&', '|', ';', '(']) || before.is_empty() {
            return Ok(());
        }
        match self.tokens.last() {
            Some(Token::Word(word)) if word.bare && is_digit(&word.text) => {
                self.tokens.pop();
                Ok(())
            }
            Some(Token::Word(word))
                if word.bare && word.text.chars().all(|c| c.is_ascii_digit()) =>
            {
                Err(Unclear::new("a file descriptor above 9"))
            }
            Some(Token::Word(word)) if word.text.ends_with('}') => {
                Err(Unclear::new("a file descriptor in a variable"))
            }
            _ => Ok(()),
        }
    }

    fn here_document(&mut self, op: &'static str) -> Result<(), Unclear> {
        if self.here.is_some() {
            return Err(Unclear::new("two here-documents in one line"));
        }
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        let (word, length) = word_at(self.rest())?;
        let raw = self.rest().get(..length).unwrap_or_default();
        let is_name = !word.text.is_empty()
            && word
                .text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_');
        let quoted = [format!("'{}'", word.text), format!("\"{}\"", word.text)];
        if !is_name || !(word.bare || quoted.iter().any(|quoted| quoted == raw)) {
            return Err(Unclear::new("a here-document with an unusual end word"));
        }
        self.here = Some(Here {
            delimiter: word.text.clone(),
            is_literal: !word.bare,
            strips_tabs: op == "<<-",
            place: self.tokens.len() + 2,
        });
        self.at += length;
        self.tokens.push(Token::Op(op));
        self.tokens.push(Token::Word(word));
        self.at_command = false;
        Ok(())
    }

    fn word(&mut self) -> Result<(), Unclear> {
        let (word, length) = word_at(self.rest())?;
        self.at += length;
        if self.at_command && word.bare {
            self.keyword(&word.text)?;
        } else {
            self.at_command = false;
        }
        self.tokens.push(Token::Word(word));
        Ok(())
    }

    /// Follows the nesting of keywords, which bounds what the grammar has to do.
    fn keyword(&mut self, text: &str) -> Result<(), Unclear> {
        if UNCLEAR_KEYWORDS.contains(&text) {
            return Err(Unclear::new(format!("`{text}`, which is not judged")));
        }
        match text {
            "{" | "if" | "while" | "until" => self.deeper()?,
            "}" | "fi" | "done" => {
                self.depth = self.depth.saturating_sub(1);
                self.at_command = false;
            }
            "then" | "else" | "elif" | "do" | "!" | "time" => {}
            _ => self.at_command = false,
        }
        Ok(())
    }

    fn deeper(&mut self) -> Result<(), Unclear> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Unclear::forbidden(
                rule::SHELL_TOO_DEEP,
                format!("the command is nested more than {DEPTH_MAX} levels"),
            ));
        }
        Ok(())
    }
}

fn is_digit(text: &str) -> bool {
    text.len() == 1 && text.starts_with(|c: char| c.is_ascii_digit())
}
