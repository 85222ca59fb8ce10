//! The same work as `bare`, through the engine of mesoclaw.
//!
//! `ours MODELS_DIR THREADS MAX_TOKENS TURNS MODEL_ID < QUESTION` prints one JSON line a turn: the
//! question, then further turns on top of it.

#![expect(
    clippy::print_stdout,
    reason = "the numbers are what this program is for"
)]

use std::error::Error;
use std::io::Read;
use std::path::PathBuf;
use std::time::Instant;

use futures_util::StreamExt;
use mesoclaw_agent::model::{
    GenerationParams, ModelClient, ModelDelta, ModelMessage, ModelRequest,
};
use mesoclaw_local::{FLOOR_MODEL, LocalEngine, LocalOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let models_dir = arguments
        .next()
        .ok_or("ours MODELS_DIR [THREADS] [MAX_TOKENS] [TURNS] [ID]")?;
    let mut number = |or: u32| arguments.next().map_or(Ok(or), |text| text.parse());
    let (threads, max_tokens, turns) = (number(2)?, number(64)?, number(2)?);
    let model = arguments.next().unwrap_or_else(|| FLOOR_MODEL.to_owned());
    let mut question = String::new();
    std::io::stdin().read_to_string(&mut question)?;
    let engine = LocalEngine::new(LocalOptions {
        models_dir: PathBuf::from(models_dir),
        threads,
        context_tokens: 2048,
        repeat_penalty: 1.0,
        idle_unload_secs: 0,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut messages = vec![ModelMessage::User {
        text: question,
        images: Vec::new(),
    }];
    for turn in 1..=turns {
        let (text, first_ms) = runtime.block_on(ask(&engine, &model, &messages, max_tokens))?;
        let times = engine.last_answer().ok_or("no answer was timed")?;
        let rate = |tokens: u64, micros: u64| tokens as f64 * 1e6 / (micros.max(1) as f64);
        let report = serde_json::json!({
            "turn": turn,
            "prompt_tokens": times.computed_prompt_tokens,
            "cached_tokens": times.cached_prompt_tokens,
            "prompt_tok_s": rate(times.computed_prompt_tokens, times.prompt_us),
            "gen_tokens": times.output_tokens,
            "gen_tok_s": rate(times.output_tokens, times.output_us),
            "load_ms": times.load_ms,
            "first_token_ms": first_ms,
            "text": text,
        });
        println!("{report}");
        messages.push(ModelMessage::Assistant {
            text,
            calls: Vec::new(),
        });
        messages.push(ModelMessage::User {
            text: "Thank you. Go on.".to_owned(),
            images: Vec::new(),
        });
    }
    engine.shutdown();
    Ok(())
}

async fn ask(
    engine: &LocalEngine,
    model: &str,
    messages: &[ModelMessage],
    max_tokens: u32,
) -> Result<(String, u64), Box<dyn Error>> {
    let started = Instant::now();
    let mut stream = engine.stream(ModelRequest {
        model: model.to_owned(),
        cache_key: String::new(),
        system: "You are a helpful assistant.".to_owned(),
        messages: messages.to_vec(),
        tools: Vec::new(),
        params: GenerationParams {
            max_tokens: Some(max_tokens),
            temperature: Some(0.0),
            ..GenerationParams::default()
        },
    });
    let mut text = String::new();
    let mut first_ms = None;
    while let Some(delta) = stream.next().await {
        if let ModelDelta::Text(piece) = delta? {
            first_ms.get_or_insert(started.elapsed().as_millis());
            text.push_str(&piece);
        }
    }
    Ok((text, u64::try_from(first_ms.unwrap_or_default())?))
}
