//! How well a model chooses tools: 50 fixed prompts, greedy, each once as it likes (text or
//! calls) and once bound to make a call. Prints one line a prompt and mode, then the totals.
//!
//! `tool_choice [FILE.gguf] [N_PROMPTS]`; without a file, the one named by `MESOCLAW_TEST_MODEL`.

#![expect(
    clippy::print_stdout,
    reason = "the numbers are what this program is for"
)]

#[path = "../tests/tool_prompts/mod.rs"]
mod tool_prompts;

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use futures_util::StreamExt;
use mesoclaw_agent::model::{ModelClient, ModelDelta};
use mesoclaw_local::{LocalEngine, LocalOptions};

use tool_prompts::{Prompt, PromptSet, is_valid};

/// What became of one prompt.
#[derive(Default)]
struct Outcome {
    text: String,
    /// Names and arguments as they came.
    calls: Vec<(String, String)>,
    is_whole: bool,
}

/// Sums of one mode.
#[derive(Default)]
struct Totals {
    n: usize,
    parsed: usize,
    valid: usize,
    cut: usize,
    called: usize,
    named: usize,
    n_named: usize,
    silent: usize,
    n_silent: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments
        .next()
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("MESOCLAW_TEST_MODEL").map(PathBuf::from))
        .ok_or("tool_choice FILE.gguf [N_PROMPTS]")?;
    let n_prompts = arguments.next().map_or(Ok(50), |text| text.parse())?;
    let model = file.file_stem().and_then(|stem| stem.to_str());
    let model = model.ok_or("the file has no name")?;
    let engine = LocalEngine::new(LocalOptions {
        models_dir: file.parent().ok_or("the file is in no folder")?.to_owned(),
        // What is chosen does not depend on the speed, and one thread suffers least from neighbours.
        threads: 1,
        context_tokens: 4096,
        repeat_penalty: 1.1,
        idle_unload_secs: 0,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let set = PromptSet::load()?;
    let (mut free, mut bound) = (Totals::default(), Totals::default());
    let started = Instant::now();
    for (number, prompt) in set.prompts.iter().take(n_prompts).enumerate() {
        for must_call in [false, true] {
            let (mode, totals) = if must_call {
                ("bound", &mut bound)
            } else {
                ("free", &mut free)
            };
            let outcome = runtime.block_on(ask(&engine, &set, prompt, model, must_call))?;
            totals.add(&set, prompt, &outcome);
            let calls: Vec<String> = outcome
                .calls
                .iter()
                .map(|(name, arguments)| format!("{name} {arguments}"))
                .collect();
            let times = engine.last_answer().unwrap_or_default();
            println!(
                "{:2} {mode:5} expected {:13} {} {:3}+{:4} tokens {:5}+{:5} ms | {:?} {}",
                number + 1,
                prompt.expected.as_deref().unwrap_or("-"),
                if outcome.is_whole { "whole" } else { "cut  " },
                times.computed_prompt_tokens,
                times.output_tokens,
                times.prompt_us / 1000,
                times.output_us / 1000,
                outcome.text.chars().take(60).collect::<String>(),
                calls.join(" + "),
            );
        }
    }
    free.print("free");
    bound.print("bound");
    println!("{} s", started.elapsed().as_secs());
    engine.shutdown();
    Ok(())
}

impl Totals {
    fn add(&mut self, set: &PromptSet, prompt: &Prompt, outcome: &Outcome) {
        let parsed: Vec<Option<serde_json::Value>> = outcome
            .calls
            .iter()
            .map(|(_, arguments)| serde_json::from_str(arguments).ok())
            .collect();
        let is_parsed = parsed.iter().all(Option::is_some);
        let is_valid = outcome.calls.iter().zip(&parsed).all(|((name, _), value)| {
            let tool = set
                .tools_of(prompt)
                .into_iter()
                .find(|tool| tool.name == *name);
            match (tool, value) {
                (Some(tool), Some(value)) => is_valid(&tool.parameters, &tool.parameters, value),
                _ => false,
            }
        });
        let first = outcome.calls.first().map(|(name, _)| name);
        self.n += 1;
        self.parsed += usize::from(is_parsed);
        self.valid += usize::from(is_valid);
        self.cut += usize::from(!outcome.is_whole);
        self.called += usize::from(first.is_some());
        if let Some(expected) = &prompt.expected {
            self.n_named += 1;
            self.named += usize::from(first == Some(expected));
        } else {
            self.n_silent += 1;
            self.silent += usize::from(first.is_none());
        }
    }

    fn print(&self, mode: &str) {
        println!(
            "{mode}: parsed {}/{n}, valid {}/{n}, cut by the limit {}/{n}, called some tool {}/{n}, picked the named tool {}/{}, called none where none was due {}/{}",
            self.parsed,
            self.valid,
            self.cut,
            self.called,
            self.named,
            self.n_named,
            self.silent,
            self.n_silent,
            n = self.n,
        );
    }
}

async fn ask(
    engine: &LocalEngine,
    set: &PromptSet,
    prompt: &Prompt,
    model: &str,
    must_call: bool,
) -> Result<Outcome, Box<dyn Error>> {
    let request = set.request(prompt, model);
    let mut stream = if must_call {
        engine.stream_call(request)
    } else {
        engine.stream(request)
    };
    let mut outcome = Outcome::default();
    while let Some(delta) = stream.next().await {
        match delta? {
            ModelDelta::Text(text) => outcome.text.push_str(&text),
            ModelDelta::ToolCall {
                name, arguments, ..
            } => outcome.calls.push((name, arguments)),
            ModelDelta::Stop(reason) => {
                outcome.is_whole = reason != mesoclaw_agent::model::StopReason::Length;
            }
            _ => {}
        }
    }
    Ok(outcome)
}
