//! Generates an answer token by token: text as it comes, calls when they are whole.

use std::time::Instant;

use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;
use mesoclaw_agent::model::{ModelDelta, ModelRequest, StopReason};

use crate::answer::{Loaded, Used};
use crate::calls::{self, CallReader, Said};
use crate::error::LocalError;
use crate::outbox::Outbox;
use crate::sampler;
use crate::stats::Counters;
use crate::text::{StopFilter, Utf8Joiner};

/// Tokens that are looked at first where the first choice was forbidden; samplers keep fewer.
const LIKELY_TOKENS: usize = 256;

impl Loaded<'_> {
    /// Generates behind the prompt in the cache; `None` when the answer was to stop. With
    /// `is_opened` the prompt ends with the tag of a call.
    pub(crate) fn generate(
        &mut self,
        request: &ModelRequest,
        is_opened: bool,
        outbox: &Outbox,
        used: &mut Used,
    ) -> Result<Option<StopReason>, LocalError> {
        let started = Instant::now();
        let params = &request.params;
        let n_vocab = self.model.n_vocab();
        let mut free = sampler::chain(params, self.shared.options().repeat_penalty, n_vocab);
        let mut calls = (!request.tools.is_empty()).then(|| Calls {
            reader: CallReader::new(calls::grammar(&request.tools), is_opened),
            // JSON repeats its signs; a penalty would spoil it.
            sampler: sampler::chain(params, 1.0, n_vocab),
        });
        let mut shown = Shown::new(outbox, &params.stop);
        let limit = u64::from(params.max_tokens.unwrap_or(u32::MAX));
        let mut reason = loop {
            if used.output_tokens >= limit || self.cached.len() >= self.context_tokens {
                break StopReason::Length;
            }
            if self.should_stop(outbox) {
                return Ok(None);
            }
            let token = match &mut calls {
                None => free.sample(&self.context, -1),
                Some(calls) => self.pick(&mut free, calls)?,
            };
            if self.model.vocab().is_eog(token) {
                break StopReason::End;
            }
            used.output_tokens += 1;
            Counters::add(&self.shared.counters.output_tokens, 1);
            let is_over = match &mut calls {
                None => shown.add(&self.model.vocab().token_to_piece(token, false, None)),
                Some(calls) => {
                    let bytes = self.vocabulary().bytes(token);
                    shown.add_all(&mut calls.reader, bytes)
                }
            };
            if is_over {
                break StopReason::End;
            }
            self.compute(&[token], true)?;
        };
        if let Some(calls) = &mut calls {
            shown.add(&calls.reader.finish());
            if reason == StopReason::End && calls.reader.n_calls() > 0 {
                reason = StopReason::ToolCalls;
            }
        }
        shown.finish();
        self.note_times(used, started);
        Ok(Some(reason))
    }

    /// The next token of an answer that may make calls.
    fn pick(&self, free: &mut LlamaSampler, calls: &mut Calls) -> Result<LlamaToken, LocalError> {
        let reader = &calls.reader;
        let sampler = if reader.is_in_call() {
            &mut calls.sampler
        } else {
            free
        };
        let is_allowed = |token: LlamaToken| {
            if self.model.vocab().is_eog(token) {
                return !reader.is_in_call();
            }
            reader.takes(self.vocabulary().bytes(token))
        };
        // Most of the time the first choice is allowed, and nothing else has to be looked at.
        let mut choices = self.context.token_data_array_ith(-1);
        choices.apply_sampler(sampler);
        let first = choices.selected_token().filter(|token| is_allowed(*token));
        let token = if let Some(token) = first {
            token
        } else {
            let candidates = self.context.token_data_array_ith(-1).data;
            let mut choices = LlamaTokenDataArray::new(allowed(candidates, is_allowed), false);
            choices.apply_sampler(sampler);
            choices.selected_token().ok_or(LocalError::NoToken)?
        };
        sampler.accept(token);
        Ok(token)
    }
}

/// The allowed ones of the likeliest tokens; all that are allowed where none of those is.
fn allowed(
    mut candidates: Vec<LlamaTokenData>,
    is_allowed: impl Fn(LlamaToken) -> bool,
) -> Vec<LlamaTokenData> {
    let n_likely = LIKELY_TOKENS.min(candidates.len());
    if n_likely < candidates.len() {
        candidates.select_nth_unstable_by(n_likely, |a, b| b.logit().total_cmp(&a.logit()));
    }
    let rest = candidates.split_off(n_likely);
    candidates.retain(|candidate| is_allowed(candidate.id()));
    if candidates.is_empty() {
        candidates = rest;
        candidates.retain(|candidate| is_allowed(candidate.id()));
    }
    candidates
}

/// What an answer with tools needs besides.
struct Calls {
    reader: CallReader,
    /// Chooses inside of calls.
    sampler: LlamaSampler,
}

/// The way of an answer to its reader.
struct Shown<'a> {
    outbox: &'a Outbox,
    joiner: Utf8Joiner,
    stops: StopFilter,
    n_calls: u32,
    is_over: bool,
}

impl<'a> Shown<'a> {
    fn new(outbox: &'a Outbox, stops: &[String]) -> Self {
        Self {
            outbox,
            joiner: Utf8Joiner::default(),
            stops: StopFilter::new(stops),
            n_calls: 0,
            is_over: false,
        }
    }

    /// Shows text; says whether a stop word ended the answer.
    fn add(&mut self, bytes: &[u8]) -> bool {
        let text = self.joiner.push(bytes);
        self.show(&text);
        self.is_over
    }

    /// Shows what a reader of calls makes of some bytes; says whether the answer is over.
    fn add_all(&mut self, reader: &mut CallReader, bytes: &[u8]) -> bool {
        for said in reader.push(bytes) {
            match said {
                Said::Text(text) => {
                    if self.add(&text) {
                        return true;
                    }
                }
                Said::Call { name, arguments } => {
                    // Text that was held back comes before the call.
                    self.finish();
                    self.outbox.push(ModelDelta::ToolCall {
                        index: self.n_calls,
                        id: String::new(),
                        name,
                        arguments,
                    });
                    self.n_calls += 1;
                }
            }
        }
        reader.is_over()
    }

    fn finish(&mut self) {
        let text = self.joiner.finish();
        self.show(&text);
        if !self.is_over {
            let held = self.stops.finish();
            say(self.outbox, held);
        }
    }

    fn show(&mut self, text: &str) {
        if self.is_over {
            return;
        }
        let (text, is_over) = self.stops.push(text);
        self.is_over = is_over;
        say(self.outbox, text);
    }
}

fn say(outbox: &Outbox, text: String) {
    if !text.is_empty() {
        outbox.push(ModelDelta::Text(text));
    }
}
