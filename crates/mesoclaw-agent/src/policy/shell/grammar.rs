//! The second reading: the line through a full shell grammar, held against the tokens of the
//! lexer, and then taken apart into what runs.

use std::panic::AssertUnwindSafe;

use brush_parser::ast;
use brush_parser::{ParserOptions, parse_tokens, uncached_tokenize_str};

use super::agreement::{Mark, agrees};
use super::bases::Bases;
use super::lexer::Token;
use super::script::{Cd, Part, Redirect};
use super::unwrap::run_words;
use super::words::{Word, word_at};
use super::{PARTS_MAX, Unclear};
use crate::policy::environment::is_harmless;
use crate::policy::programs::{PathUse, Role};
use crate::policy::rules::rule;

/// Parses the line and takes it apart.
pub(super) fn read(
    line: &str,
    tokens: &[Token],
    depth: usize,
    bases: &Bases,
) -> Result<Vec<Part>, Unclear> {
    let program = parse(line)?;
    let mut walk = Walk {
        parts: Vec::new(),
        marks: Vec::new(),
        depth,
    };
    let mut current = bases.clone();
    for command in &program.complete_commands {
        current = walk.list(command, &current)?;
    }
    if !agrees(tokens, &walk.marks) {
        return Err(Unclear {
            rule: rule::SHELL_DISAGREE,
            reason: "the command can be taken apart in more than one way".to_owned(),
            forbidden: false,
        });
    }
    Ok(walk.parts)
}

/// Parses with the grammar. A parser that fails in a way of its own has not understood, either.
fn parse(line: &str) -> Result<ast::Program, Unclear> {
    let options = ParserOptions {
        enable_extended_globbing: false,
        ..ParserOptions::default()
    };
    let parsed = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let tokens = uncached_tokenize_str(line, &options.tokenizer_options()).ok()?;
        parse_tokens(&tokens, &options).ok()
    }));
    parsed
        .ok()
        .flatten()
        .ok_or_else(|| Unclear::new("the command is not a complete command of the shell"))
}

struct Walk<'a> {
    parts: Vec<Part>,
    marks: Vec<Mark<'a>>,
    depth: usize,
}

impl<'a> Walk<'a> {
    fn list(&mut self, list: &'a ast::CompoundList, bases: &Bases) -> Result<Bases, Unclear> {
        let mut current = bases.clone();
        for ast::CompoundListItem(and_or, separator) in &list.0 {
            let after = self.and_or(and_or, &current)?;
            match separator {
                ast::SeparatorOperator::Async => self.marks.push(Mark::Op("&")),
                // A `cd` may have failed, so both places are possible from here on.
                ast::SeparatorOperator::Sequence => current = current.or(&after)?,
            }
            if self.parts.len() > PARTS_MAX {
                return Err(Unclear::forbidden(
                    rule::SHELL_TOO_LONG,
                    format!("the command has more than {PARTS_MAX} parts"),
                ));
            }
        }
        Ok(current)
    }

    fn and_or(&mut self, and_or: &'a ast::AndOrList, bases: &Bases) -> Result<Bases, Unclear> {
        let mut any = bases.clone();
        let mut current = self.pipeline(&and_or.first, bases)?;
        any = any.or(&current)?;
        for next in &and_or.additional {
            let pipeline = match next {
                ast::AndOr::And(pipeline) => {
                    self.marks.push(Mark::Op("&&"));
                    pipeline
                }
                ast::AndOr::Or(pipeline) => {
                    self.marks.push(Mark::Op("||"));
                    current = any.clone();
                    pipeline
                }
            };
            current = self.pipeline(pipeline, &current)?;
            any = any.or(&current)?;
        }
        Ok(any)
    }

    fn pipeline(&mut self, pipeline: &'a ast::Pipeline, bases: &Bases) -> Result<Bases, Unclear> {
        let mut after = bases.clone();
        for (at, command) in pipeline.seq.iter().enumerate() {
            if at > 0 {
                self.marks.push(Mark::Op("|"));
            }
            after = self.command(command, bases)?;
        }
        let is_plain = pipeline.timed.is_none() && !pipeline.bang;
        if pipeline.seq.len() > 1 {
            // Each stage runs in a shell of its own.
            return Ok(bases.clone());
        }
        if !is_plain && after != *bases {
            return Err(Unclear::new("`cd` behind `!` or `time`"));
        }
        Ok(after)
    }

    fn command(&mut self, command: &'a ast::Command, bases: &Bases) -> Result<Bases, Unclear> {
        match command {
            ast::Command::Simple(simple) => self.simple(simple, bases),
            ast::Command::Compound(compound, redirects) => {
                let after = self.compound(compound, bases)?;
                for redirect in redirects.iter().flat_map(|list| &list.0) {
                    self.redirect(redirect, bases)?;
                }
                Ok(after)
            }
            ast::Command::Function(_) => Err(Unclear::new("a function is defined")),
            ast::Command::ExtendedTest(..) => {
                Err(Unclear::new("`[[`, which only some shells have"))
            }
        }
    }

    fn compound(
        &mut self,
        compound: &'a ast::CompoundCommand,
        bases: &Bases,
    ) -> Result<Bases, Unclear> {
        match compound {
            ast::CompoundCommand::BraceGroup(group) => self.list(&group.list, bases),
            ast::CompoundCommand::Subshell(subshell) => {
                self.marks.push(Mark::Op("("));
                self.list(&subshell.list, bases)?;
                self.marks.push(Mark::Op(")"));
                Ok(bases.clone())
            }
            ast::CompoundCommand::IfClause(clause) => {
                self.still(&clause.condition, bases)?;
                self.still(&clause.then, bases)?;
                for branch in clause.elses.iter().flatten() {
                    if let Some(condition) = &branch.condition {
                        self.still(condition, bases)?;
                    }
                    self.still(&branch.body, bases)?;
                }
                Ok(bases.clone())
            }
            ast::CompoundCommand::WhileClause(clause)
            | ast::CompoundCommand::UntilClause(clause) => {
                self.still(&clause.0, bases)?;
                self.still(&clause.1.list, bases)?;
                Ok(bases.clone())
            }
            ast::CompoundCommand::Arithmetic(_)
            | ast::CompoundCommand::ArithmeticForClause(_)
            | ast::CompoundCommand::ForClause(_)
            | ast::CompoundCommand::CaseClause(_)
            | ast::CompoundCommand::Coprocess(_) => {
                Err(Unclear::new("a construct of the shell that is not judged"))
            }
        }
    }

    /// A list that must not change the directory.
    fn still(&mut self, list: &'a ast::CompoundList, bases: &Bases) -> Result<(), Unclear> {
        if self.list(list, bases)? == *bases {
            Ok(())
        } else {
            Err(Unclear::new("`cd` inside a condition or a loop"))
        }
    }

    fn simple(&mut self, simple: &'a ast::SimpleCommand, bases: &Bases) -> Result<Bases, Unclear> {
        let mut words = Vec::new();
        for item in simple.prefix.iter().flat_map(|prefix| &prefix.0) {
            match item {
                ast::CommandPrefixOrSuffixItem::AssignmentWord(_, word) => {
                    let word = self.word(word)?;
                    check_assignment(&word)?;
                }
                _ => self.item(item, bases, &mut words)?,
            }
        }
        if !words.is_empty() {
            return Err(Unclear::new("a word before the name of the program"));
        }
        if let Some(name) = &simple.word_or_name {
            let word = self.word(name)?;
            words.push(word);
        }
        for item in simple.suffix.iter().flat_map(|suffix| &suffix.0) {
            self.item(item, bases, &mut words)?;
        }
        if words.is_empty() {
            return Ok(bases.clone());
        }
        if words.first().is_some_and(|word| word.text == "cd") {
            return self.change_directory(&words, bases);
        }
        run_words(words, bases, self.depth, true, &mut self.parts)?;
        Ok(bases.clone())
    }

    fn item(
        &mut self,
        item: &'a ast::CommandPrefixOrSuffixItem,
        bases: &Bases,
        words: &mut Vec<Word>,
    ) -> Result<(), Unclear> {
        match item {
            ast::CommandPrefixOrSuffixItem::Word(word)
            | ast::CommandPrefixOrSuffixItem::AssignmentWord(_, word) => {
                let word = self.word(word)?;
                words.push(word);
                Ok(())
            }
            ast::CommandPrefixOrSuffixItem::IoRedirect(redirect) => self.redirect(redirect, bases),
            ast::CommandPrefixOrSuffixItem::ProcessSubstitution(..) => {
                Err(Unclear::new("a command runs inside the line"))
            }
        }
    }

    /// The word as the lexer reads the text the grammar found.
    fn word(&mut self, word: &'a ast::Word) -> Result<Word, Unclear> {
        let (read, length) = word_at(&word.value)?;
        if length != word.value.len() {
            return Err(Unclear::new("a word that can be read in more than one way"));
        }
        self.marks
            .push(Mark::Word(std::borrow::Cow::Owned(read.text.clone())));
        Ok(read)
    }

    fn redirect(&mut self, redirect: &'a ast::IoRedirect, bases: &Bases) -> Result<(), Unclear> {
        match redirect {
            ast::IoRedirect::File(_, kind, target) => self.file(kind, target, bases),
            ast::IoRedirect::HereDocument(_, document) => {
                self.marks
                    .push(Mark::Op(if document.remove_tabs { "<<-" } else { "<<" }));
                self.word(&document.here_end)?;
                self.marks.push(Mark::Text(&document.doc.value));
                Ok(())
            }
            ast::IoRedirect::HereString(..) | ast::IoRedirect::OutputAndError(..) => {
                Err(Unclear::new("a redirection that only some shells have"))
            }
        }
    }

    fn file(
        &mut self,
        kind: &ast::IoFileRedirectKind,
        target: &'a ast::IoFileRedirectTarget,
        bases: &Bases,
    ) -> Result<(), Unclear> {
        let (op, roles): (_, &[Role]) = match kind {
            ast::IoFileRedirectKind::Read => ("<", &[Role::Read]),
            ast::IoFileRedirectKind::Write => (">", &[Role::Write]),
            ast::IoFileRedirectKind::Append => (">>", &[Role::Write]),
            ast::IoFileRedirectKind::ReadAndWrite => ("<>", &[Role::Read, Role::Write]),
            ast::IoFileRedirectKind::Clobber => (">|", &[Role::Write]),
            ast::IoFileRedirectKind::DuplicateInput => ("<&", &[]),
            ast::IoFileRedirectKind::DuplicateOutput => (">&", &[]),
        };
        self.marks.push(Mark::Op(op));
        let word = match target {
            ast::IoFileRedirectTarget::Filename(word)
            | ast::IoFileRedirectTarget::Duplicate(word) => self.word(word)?,
            ast::IoFileRedirectTarget::Fd(fd) => {
                let text = fd.to_string();
                self.marks
                    .push(Mark::Word(std::borrow::Cow::Owned(text.clone())));
                Word::literal(text)
            }
            ast::IoFileRedirectTarget::ProcessSubstitution(..) => {
                return Err(Unclear::new("a command runs inside the line"));
            }
        };
        if roles.is_empty() {
            let is_descriptor = word.text == "-"
                || (word.text.len() == 1 && word.text.chars().all(|c| c.is_ascii_digit()));
            return if is_descriptor {
                Ok(())
            } else {
                Err(Unclear::new(format!(
                    "`{op}` with something else than a descriptor"
                )))
            };
        }
        if word.glob.is_some() {
            return Err(Unclear::new("a wildcard in the target of a redirection"));
        }
        let uses = roles
            .iter()
            .map(|role| PathUse::of_word(&word, Some(1), *role, bases.all()))
            .collect();
        self.parts.push(Part::Redirect(Redirect {
            op,
            target: word,
            uses,
        }));
        Ok(())
    }

    fn change_directory(&mut self, words: &[Word], bases: &Bases) -> Result<Bases, Unclear> {
        let target = match words {
            [_, target] => target,
            [_, dashes, target] if dashes.text == "--" => target,
            _ => return Err(Unclear::new("`cd` without one plain directory")),
        };
        if target.text.is_empty() || target.text.starts_with('-') || target.glob.is_some() {
            return Err(Unclear::new(
                "`cd` to a directory that cannot be told by reading",
            ));
        }
        if target.text.starts_with('~') && !target.tilde {
            return Err(Unclear::new("`cd` to a directory called `~`"));
        }
        let after = bases.enter(&target.text)?;
        self.parts.push(Part::Cd(Cd {
            uses: vec![PathUse::of_word(target, Some(1), Role::List, bases.all())],
            target: target.clone(),
        }));
        Ok(after)
    }
}

/// Variables in front of a command: a few that change only what is said.
pub(super) fn check_assignment(word: &Word) -> Result<(), Unclear> {
    let (name, value) = word.text.split_once('=').unwrap_or((&word.text, ""));
    if is_harmless(name, value) && word.glob.is_none() {
        return Ok(());
    }
    Err(Unclear {
        rule: rule::SHELL_ASSIGNMENT,
        reason: format!("the variable `{name}` is set, which may change what programs do"),
        forbidden: false,
    })
}
