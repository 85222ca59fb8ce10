//! One loaded model with its context: turns a request into tokens, reuses what the cache holds,
//! and has the answer generated.

use std::cell::OnceCell;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use mesoclaw_agent::model::{ModelDelta, ModelRequest, StopReason};
use mesoclaw_api::Usage;

use crate::engine::{Job, Shared};
use crate::error::LocalError;
use crate::outbox::Outbox;
use crate::stats::{AnswerTimes, Counters};
use crate::template::ChatTemplate;
use crate::vocabulary::Vocabulary;

/// Tokens that are computed at once, so that a cancel is felt soon.
///
/// Measured against a bare program with batches of 512: chunks of 64 cost nothing, chunks of 32 a
/// quarter at 600 prompt tokens and two thirds at 1,600. Turning flash attention off instead slowed
/// every generated token by a fifth.
const CHUNK_TOKENS: usize = 64;
/// The one conversation in the cache.
const SEQUENCE: i32 = 0;

/// A model in memory, ready to answer.
pub(crate) struct Loaded<'m> {
    pub(crate) model: &'m LlamaModel,
    pub(crate) context: LlamaContext<'m>,
    pub(crate) template: ChatTemplate,
    batch: LlamaBatch<'static>,
    /// The tokens whose keys and values the cache holds, in order.
    pub(crate) cached: Vec<LlamaToken>,
    pub(crate) context_tokens: usize,
    load_ms: u64,
    pub(crate) shared: Arc<Shared>,
    /// Made for the first request with tools.
    pub(crate) vocabulary: OnceCell<Vocabulary>,
}

/// What one answer has used so far.
#[derive(Default)]
pub(crate) struct Used {
    prompt_tokens: usize,
    cached_tokens: usize,
    prompt_us: u64,
    pub(crate) output_tokens: u64,
}

impl<'m> Loaded<'m> {
    /// Makes the context of a loaded model. `started` is when loading began.
    pub(crate) fn new(
        backend: &LlamaBackend,
        model: &'m LlamaModel,
        shared: Arc<Shared>,
        started: Instant,
    ) -> Result<Self, LocalError> {
        let options = shared.options();
        let trained = model.n_ctx_train();
        let context_tokens = match options.context_tokens {
            0 => trained,
            wanted => wanted.min(trained),
        };
        let threads = i32::try_from(options.n_threads()).unwrap_or(1);
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(context_tokens))
            .with_n_batch(CHUNK_TOKENS as u32)
            .with_n_ubatch(CHUNK_TOKENS as u32)
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            .with_no_perf(true);
        let context = model
            .new_context(backend, params)
            .map_err(|source| LocalError::Context {
                context_tokens,
                source,
            })?;
        let vocab = model.vocab();
        let name = |token: LlamaToken| {
            vocab
                .text(token)
                .map(|text| text.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let source = model
            .chat_template(None)
            .ok()
            .and_then(|template| template.to_string().ok());
        let context_tokens = (context_tokens as usize).min(context.n_ctx() as usize);
        Ok(Self {
            template: ChatTemplate::new(source, name(vocab.bos()), name(vocab.eos())),
            model,
            context,
            batch: LlamaBatch::new(CHUNK_TOKENS, 1),
            cached: Vec::new(),
            context_tokens,
            load_ms: started.elapsed().as_millis() as u64,
            shared,
            vocabulary: OnceCell::new(),
        })
    }

    /// Answers a request; what it says goes into the outbox, the end and errors too.
    pub(crate) fn answer(&mut self, job: Job) {
        let Job {
            request, outbox, ..
        } = &job;
        let mut used = Used::default();
        let ending = self.run(request, job.must_call, outbox, &mut used);
        let Job { outbox, .. } = job;
        Counters::add(&self.shared.counters.answers, 1);
        match ending {
            // The reader is gone, or the engine ends: an error is the right end for the latter.
            Ok(None) => outbox.fail(LocalError::ShutDown),
            Ok(Some(reason)) => {
                outbox.push(ModelDelta::Usage(Usage {
                    input_tokens: used.prompt_tokens as u64,
                    cached_tokens: used.cached_tokens as u64,
                    output_tokens: used.output_tokens,
                    model_calls: 1,
                    ..Usage::default()
                }));
                outbox.push(ModelDelta::Stop(reason));
                outbox.finish();
            }
            Err(error) => {
                if matches!(error, LocalError::Decode { .. }) {
                    // After a failure nobody knows what the cache holds.
                    self.context.clear_kv_cache();
                    self.cached.clear();
                }
                outbox.fail(error);
            }
        }
    }

    fn run(
        &mut self,
        request: &ModelRequest,
        must_call: bool,
        outbox: &Outbox,
        used: &mut Used,
    ) -> Result<Option<StopReason>, LocalError> {
        let must_call = must_call && !request.tools.is_empty();
        let prompt = self.prompt(request, must_call);
        used.prompt_tokens = prompt.len();
        if prompt.is_empty() || prompt.len() >= self.context_tokens {
            return Err(LocalError::ContextLength {
                prompt_tokens: prompt.len(),
                context_tokens: self.context_tokens,
            });
        }
        // Results differ in the last bits with the size of the batch they were computed in. A
        // seed asks for the same answer again, so such a request starts from nothing.
        let keep = if request.params.seed.is_some() {
            0
        } else {
            shared_prefix(&prompt, &self.cached).min(prompt.len() - 1)
        };
        used.cached_tokens = self.forget_after(keep);
        Counters::add(
            &self.shared.counters.cached_prompt_tokens,
            used.cached_tokens as u64,
        );
        let started = Instant::now();
        let (_, fresh) = prompt.split_at(used.cached_tokens);
        for chunk in fresh.chunks(CHUNK_TOKENS) {
            if self.should_stop(outbox) {
                return Ok(None);
            }
            // Only the end of the prompt is sampled from; the others save the output layer.
            let is_last = self.cached.len() + chunk.len() == prompt.len();
            self.compute(chunk, is_last)?;
            Counters::add(
                &self.shared.counters.computed_prompt_tokens,
                chunk.len() as u64,
            );
        }
        used.prompt_us = started.elapsed().as_micros() as u64;
        self.generate(request, must_call, outbox, used)
    }

    pub(crate) fn note_times(&self, used: &Used, started: Instant) {
        self.shared.counters.set_last(AnswerTimes {
            load_ms: self.load_ms,
            computed_prompt_tokens: (used.prompt_tokens - used.cached_tokens) as u64,
            cached_prompt_tokens: used.cached_tokens as u64,
            prompt_us: used.prompt_us,
            output_tokens: used.output_tokens,
            output_us: started.elapsed().as_micros() as u64,
        });
    }

    pub(crate) fn should_stop(&self, outbox: &Outbox) -> bool {
        outbox.is_abandoned() || self.shared.is_stopping()
    }

    /// Computes some tokens behind the ones in the cache; the last one can be sampled from where
    /// that is wanted.
    pub(crate) fn compute(
        &mut self,
        tokens: &[LlamaToken],
        is_sampled: bool,
    ) -> Result<(), LocalError> {
        self.batch.clear();
        for (index, token) in tokens.iter().enumerate() {
            let position = i32::try_from(self.cached.len() + index).unwrap_or(i32::MAX);
            let is_output = is_sampled && index + 1 == tokens.len();
            self.batch
                .add(*token, position, &[SEQUENCE], is_output)
                .map_err(|source| LocalError::Batch { source })?;
        }
        self.context
            .decode(&mut self.batch)
            .map_err(|source| LocalError::Decode { source })?;
        self.cached.extend_from_slice(tokens);
        Ok(())
    }

    /// Keeps the first `keep` tokens of the cache, or none where a model cannot do that.
    fn forget_after(&mut self, keep: usize) -> usize {
        if keep == self.cached.len() {
            return keep;
        }
        let from = u32::try_from(keep).ok();
        let is_partly_gone = keep > 0 && self.context.kv_cache_seq_rm(SEQUENCE, from, None).is_ok();
        if is_partly_gone {
            self.cached.truncate(keep);
        } else {
            self.context.clear_kv_cache();
            self.cached.clear();
        }
        self.cached.len()
    }
}

fn shared_prefix(one: &[LlamaToken], other: &[LlamaToken]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}
