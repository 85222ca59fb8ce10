//! The guard against loops: the same calls with the same results, tools that do not exist, the same
//! error, over and over.
//!
//! It counts rounds, not calls: a model can only react to a round as a whole, so three calls of one
//! answer that fail alike are one failure. A call whose result changes is no repetition.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::prompt::hint;
use crate::turn::effect::Call;

/// Characters of arguments or of an error that the sentence for people quotes.
const MAX_QUOTED_CHARS: usize = 200;
/// What comes twice is the least that can be a repetition.
const MIN_REPEATS: u32 = 2;

type Hash = [u8; 32];

/// How a call of a round ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// The tool did its work.
    Done,
    /// The tool, or the policy, gave an error.
    Failed,
    /// There is no such tool.
    Unknown,
    /// The arguments were no JSON object. The turn has a limit of its own for that.
    Broken,
    /// It did not run for a reason that is no error: a person said no, the answer had it twice.
    Refused,
}

/// What is remembered of a closed call.
pub(super) struct Trace {
    ending: Ending,
    tool: String,
    /// Of tool, arguments and result.
    whole: Hash,
    /// Of tool and result.
    result: Hash,
    /// The arguments, for people.
    args: String,
    /// The result, for people.
    said: String,
}

/// Counts what repeats itself.
#[derive(Clone)]
pub(super) struct Repetition {
    /// How often something may come in a row.
    limit: u32,
    last: Option<Hash>,
    before_last: Option<Hash>,
    /// How often the last round came in a row.
    n_same: u32,
    /// How many rounds up to the last were each like the one but one before.
    n_alternating: u32,
    /// How many rounds in a row called a tool that does not exist, and nothing in them worked.
    n_unknown: u32,
    /// How many rounds in a row a tool gave an error and nothing worked, by tool and error.
    n_failed: BTreeMap<Hash, u32>,
}

/// What repeats itself.
enum Repeated<'a> {
    Unknown(&'a Trace),
    Round(&'a Trace),
    Alternation(&'a Trace),
    Error(&'a Trace),
}

impl Trace {
    pub fn new(call: &Call, ending: Ending, output: &str) -> Self {
        let mut result = Sha256::new();
        feed_text(&mut result, &call.tool);
        feed_text(&mut result, output);
        let mut whole = result.clone();
        feed(&mut whole, &call.args);
        Self {
            ending,
            tool: call.tool.clone(),
            whole: whole.finalize().into(),
            result: result.finalize().into(),
            args: quoted(&call.args.to_string()),
            said: quoted(output),
        }
    }
}

impl Repetition {
    /// `limit` below 2 counts as 2.
    pub fn new(limit: u32) -> Self {
        Self {
            limit: limit.max(MIN_REPEATS),
            last: None,
            before_last: None,
            n_same: 0,
            n_alternating: 0,
            n_unknown: 0,
            n_failed: BTreeMap::new(),
        }
    }

    /// The sentence for the model when this round, which is not taken yet, is the last but one
    /// that the limit allows.
    pub fn hint(&self, round: &[&Trace]) -> Option<&'static str> {
        let before_limit = self.limit - 1;
        if before_limit < MIN_REPEATS {
            return None;
        }
        let mut then = self.clone();
        if !then.count(round) {
            return None;
        }
        Some(match then.reached(before_limit, round)? {
            Repeated::Unknown(_) => hint::UNKNOWN_TOOL,
            Repeated::Round(_) => hint::SAME_CALL,
            Repeated::Alternation(_) => hint::BACK_AND_FORTH,
            Repeated::Error(_) => hint::SAME_ERROR,
        })
    }

    /// Takes a closed round. The sentence for people when it is one too many.
    pub fn take(&mut self, round: &[&Trace]) -> Option<String> {
        if !self.count(round) {
            return None;
        }
        let limit = self.limit;
        let what = match self.reached(limit, round)? {
            Repeated::Unknown(trace) => format!(
                "the model called tools that do not exist, {limit} times in a row: the last was \
                 `{}`",
                trace.tool
            ),
            Repeated::Round(trace) => format!(
                "the model made the same call {limit} times in a row and got the same result: \
                 `{}` with {}",
                trace.tool, trace.args
            ),
            Repeated::Alternation(trace) => format!(
                "the model went back and forth between the same calls {limit} times and got the \
                 same results: the last was `{}` with {}",
                trace.tool, trace.args
            ),
            Repeated::Error(trace) => format!(
                "`{}` gave the same error {limit} times in a row: {}",
                trace.tool, trace.said
            ),
        };
        Some(format!("{what} (max_tool_retries is {limit})"))
    }

    /// Counts a round; a round that says nothing about repetition leaves everything as it is.
    fn count(&mut self, round: &[&Trace]) -> bool {
        let is_broken = round.iter().any(|trace| trace.ending == Ending::Broken);
        if round.is_empty() || is_broken {
            return false;
        }
        let now = Some(hash_of(round));
        let n_before = if now == self.last { self.n_same } else { 0 };
        self.n_same = n_before.saturating_add(1);
        self.n_alternating = if now == self.before_last && now != self.last {
            self.n_alternating.saturating_add(1)
        } else {
            0
        };
        self.before_last = std::mem::replace(&mut self.last, now);

        let has = |ending| round.iter().any(|trace| trace.ending == ending);
        let before = std::mem::take(&mut self.n_failed);
        // Where anything worked, the model gets on.
        if has(Ending::Done) {
            self.n_unknown = 0;
            return true;
        }
        self.n_unknown = if has(Ending::Unknown) {
            self.n_unknown.saturating_add(1)
        } else {
            0
        };
        for trace in round.iter().filter(|trace| trace.ending == Ending::Failed) {
            let n = before.get(&trace.result).copied().unwrap_or(0);
            self.n_failed.insert(trace.result, n.saturating_add(1));
        }
        true
    }

    /// What came exactly `times` times up to the round that was counted last; what came more often
    /// ended the turn before.
    fn reached<'a>(&self, times: u32, round: &[&'a Trace]) -> Option<Repeated<'a>> {
        let last = round.last().copied()?;
        if self.n_unknown == times {
            let unknown = |trace: &&&Trace| trace.ending == Ending::Unknown;
            return round
                .iter()
                .rev()
                .find(unknown)
                .copied()
                .map(Repeated::Unknown);
        }
        if self.n_same == times {
            return Some(Repeated::Round(last));
        }
        // Two rounds begin an alternation, and each further one continues it.
        let n_rounds = u64::from(self.n_alternating) + 2;
        if n_rounds == 2 * u64::from(times) {
            return Some(Repeated::Alternation(last));
        }
        let is_it = |trace: &&&Trace| self.n_failed.get(&trace.result) == Some(&times);
        round.iter().find(is_it).copied().map(Repeated::Error)
    }
}

/// Of all calls of a round with their results, in whatever order they were made.
fn hash_of(round: &[&Trace]) -> Hash {
    let mut parts: Vec<&Hash> = round.iter().map(|trace| &trace.whole).collect();
    parts.sort_unstable();
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Arguments that say the same feed the same bytes: the order of keys means nothing.
fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, &Value> = map.iter().collect();
            hash.update(b"{");
            feed_number(hash, sorted.len());
            for (key, value) in sorted {
                feed_text(hash, key);
                feed(hash, value);
            }
        }
        Value::Array(values) => {
            hash.update(b"[");
            feed_number(hash, values.len());
            for value in values {
                feed(hash, value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            feed_text(hash, &value.to_string());
        }
    }
}

fn feed_text(hash: &mut Sha256, text: &str) {
    feed_number(hash, text.len());
    hash.update(text.as_bytes());
}

fn feed_number(hash: &mut Sha256, number: usize) {
    hash.update((number as u64).to_le_bytes());
}

/// The beginning of a text, on one line.
fn quoted(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(MAX_QUOTED_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(MAX_QUOTED_CHARS).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests;
