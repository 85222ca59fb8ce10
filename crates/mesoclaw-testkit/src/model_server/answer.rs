//! What a reply comes to, in no maker's words: the parts of the answer, its numbers, its end.

use std::time::Duration;

use super::script::{CallScript, Reply, Step};

/// The numbers an answer reports.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Usage {
    /// Tokens of the prompt, with what came from a cache and what went to one.
    pub(super) prompt: u64,
    /// Tokens of the answer, with its reasoning.
    pub(super) completion: u64,
    pub(super) cached: u64,
    pub(super) reasoning: u64,
    pub(super) cache_write: u64,
}

/// What an answer adds up to, for its finish reason and its usage.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) chunks: u64,
    pub(super) has_calls: bool,
    usage: Option<(u64, u64, u64)>,
    details: (u64, u64),
    finish: Option<String>,
}

impl Totals {
    /// Takes a step that says something about the whole answer; `false` for any other.
    pub(super) fn note(&mut self, step: &Step) -> bool {
        match step {
            Step::Usage {
                prompt_tokens,
                completion_tokens,
                cached_tokens,
            } => self.usage = Some((*prompt_tokens, *completion_tokens, *cached_tokens)),
            Step::UsageDetails {
                reasoning_tokens,
                cache_write_tokens,
            } => self.details = (*reasoning_tokens, *cache_write_tokens),
            Step::Finish(reason) => self.finish = Some(reason.clone()),
            _ => return false,
        }
        true
    }

    /// The scripted numbers, or counted ones.
    pub(super) fn usage(&self) -> Usage {
        let (prompt, completion, cached) = self.usage.unwrap_or((10, self.chunks, 0));
        let (reasoning, cache_write) = self.details;
        Usage {
            prompt,
            completion,
            cached,
            reasoning,
            cache_write,
        }
    }

    /// The scripted finish reason, or the maker's word for an answer without or with calls.
    pub(super) fn finish<'a>(&'a self, plain: &'a str, with_calls: &'a str) -> &'a str {
        let default = if self.has_calls { with_calls } else { plain };
        self.finish.as_deref().unwrap_or(default)
    }
}

/// A part of an answer.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Part {
    Text(String),
    Plan(String),
    Reasoning(String),
    Signature(String),
    Call(CallScript),
}

/// A whole answer, for a request without a stream.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) parts: Vec<Part>,
    pub(super) totals: Totals,
}

/// Why there is no whole answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Broken {
    /// The script cuts the connection.
    Cut,
    /// The script fails the answer after its beginning: without a stream, that is a status.
    Status(u16),
}

impl Answer {
    /// Plays a reply to its end.
    pub(super) async fn gather(reply: Reply, echo: &str) -> Result<Self, Broken> {
        let mut answer = Self::default();
        for step in reply.steps {
            if answer.totals.note(&step) {
                continue;
            }
            match step {
                Step::Text(text) => answer.push_text(&text),
                Step::Echo => answer.push_text(echo),
                Step::Tokens { count, text, .. } => {
                    let text = text.unwrap_or_else(|| "{n} ".to_owned());
                    let all: String = (0..count)
                        .map(|n| text.replacen("{n}", &n.to_string(), 1))
                        .collect();
                    answer.push_text(&all);
                    answer.totals.chunks += count;
                }
                Step::Plan(text) => answer.parts.push(Part::Plan(text)),
                Step::Reasoning(text) => answer.push_reasoning(text),
                Step::Signature(text) => answer.parts.push(Part::Signature(text)),
                Step::ToolCall(call) => answer.parts.push(Part::Call(call)),
                Step::ToolCalls(calls) => answer.parts.extend(calls.into_iter().map(Part::Call)),
                Step::Delay(ms) | Step::Stall(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                }
                Step::CutMidEvent | Step::Cut => return Err(Broken::Cut),
                Step::StreamError(code) => return Err(Broken::Status(code)),
                // The first three were noted above, the others exist in a stream only.
                Step::Usage { .. }
                | Step::UsageDetails { .. }
                | Step::Finish(_)
                | Step::ToolCallDelta { .. }
                | Step::Slow(_)
                | Step::Status { .. }
                | Step::ContextLength
                | Step::KeepAlive
                | Step::UnknownEvent
                | Step::End
                | Step::BadJson
                | Step::Raw(_) => {}
            }
        }
        let has_calls = answer.calls().next().is_some();
        answer.totals.has_calls = has_calls;
        answer.totals.chunks += u64::from(!answer.text().is_empty());
        Ok(answer)
    }

    fn push_text(&mut self, text: &str) {
        if let Some(Part::Text(last)) = self.parts.last_mut() {
            last.push_str(text);
        } else if !text.is_empty() {
            self.parts.push(Part::Text(text.to_owned()));
        }
    }

    fn push_reasoning(&mut self, text: String) {
        if let Some(Part::Reasoning(last)) = self.parts.last_mut() {
            last.push_str(&text);
        } else {
            self.parts.push(Part::Reasoning(text));
        }
    }

    /// The text of the answer.
    pub(super) fn text(&self) -> String {
        self.joined(|part| match part {
            Part::Text(text) => Some(text),
            Part::Plan(_) | Part::Reasoning(_) | Part::Signature(_) | Part::Call(_) => None,
        })
    }

    /// The plan before the calls.
    pub(super) fn plan(&self) -> String {
        self.joined(|part| match part {
            Part::Plan(text) => Some(text),
            Part::Text(_) | Part::Reasoning(_) | Part::Signature(_) | Part::Call(_) => None,
        })
    }

    /// The reasoning of the answer.
    pub(super) fn reasoning(&self) -> String {
        self.joined(|part| match part {
            Part::Reasoning(text) => Some(text),
            Part::Text(_) | Part::Plan(_) | Part::Signature(_) | Part::Call(_) => None,
        })
    }

    fn joined<'a>(&'a self, pick: impl Fn(&'a Part) -> Option<&'a String>) -> String {
        self.parts
            .iter()
            .filter_map(pick)
            .map(String::as_str)
            .collect()
    }

    /// The calls of the answer.
    pub(super) fn calls(&self) -> impl Iterator<Item = &CallScript> {
        self.parts.iter().filter_map(|part| match part {
            Part::Call(call) => Some(call),
            Part::Text(_) | Part::Plan(_) | Part::Reasoning(_) | Part::Signature(_) => None,
        })
    }
}
