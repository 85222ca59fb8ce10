//! What llama.cpp does without mesoclaw: loads a file, computes a prompt, generates greedily.
//!
//! `bare MODEL THREADS BATCH MAX_TOKENS < PROMPT` prints one JSON line. The prompt is taken as it
//! is, special tokens included, so that both sides of a comparison compute the same tokens.

#![expect(
    clippy::print_stdout,
    reason = "the numbers are what this program is for"
)]

use std::error::Error;
use std::io::Read;
use std::num::NonZeroU32;
use std::time::Instant;

use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::sampling::LlamaSampler;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("bare MODEL [THREADS] [BATCH] [MAX_TOKENS]")?;
    let mut number = |or: u32| arguments.next().map_or(Ok(or), |text| text.parse());
    let (threads, n_batch, max_tokens) = (number(2)?, number(512)?, number(64)?);
    let mut prompt = String::new();
    std::io::stdin().read_to_string(&mut prompt)?;

    let mut backend = LlamaBackend::init()?;
    backend.void_logs();
    let started = Instant::now();
    let params = LlamaModelParams::default().with_n_gpu_layers(0);
    let model = LlamaModel::load_from_file(&backend, path, &params)?;
    let mut context = model.new_context(&backend, context_params(threads, n_batch)?)?;
    let load_ms = started.elapsed().as_millis();

    let vocab = model.vocab();
    let tokens = vocab.tokenize(prompt.as_bytes(), false, true);
    let started = Instant::now();
    let mut batch = LlamaBatch::new(n_batch as usize, 1);
    let mut position = 0;
    for chunk in tokens.chunks(n_batch as usize) {
        batch.clear();
        for (index, token) in chunk.iter().enumerate() {
            batch.add(*token, position, &[0], index + 1 == chunk.len())?;
            position += 1;
        }
        context.decode(&mut batch)?;
    }
    let prompt_secs = started.elapsed().as_secs_f64();

    let started = Instant::now();
    let mut sampler = LlamaSampler::greedy();
    let mut n_tokens = 0_u32;
    let mut text = Vec::new();
    while n_tokens < max_tokens {
        let token = sampler.sample(&context, -1);
        if vocab.is_eog(token) {
            break;
        }
        n_tokens += 1;
        text.extend(vocab.token_to_piece(token, false, None));
        batch.clear();
        batch.add(token, position, &[0], true)?;
        position += 1;
        context.decode(&mut batch)?;
    }
    let gen_secs = started.elapsed().as_secs_f64();
    let report = serde_json::json!({
        "prompt_tokens": tokens.len(),
        "prompt_tok_s": tokens.len() as f64 / prompt_secs,
        "gen_tokens": n_tokens,
        "gen_tok_s": f64::from(n_tokens) / gen_secs,
        "load_ms": u64::try_from(load_ms)?,
        "text": String::from_utf8_lossy(&text),
    });
    println!("{report}");
    Ok(())
}

fn context_params(threads: u32, n_batch: u32) -> Result<LlamaContextParams, Box<dyn Error>> {
    let threads = i32::try_from(threads)?;
    Ok(LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(2048))
        .with_n_batch(n_batch)
        .with_n_ubatch(n_batch)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_no_perf(true))
}
