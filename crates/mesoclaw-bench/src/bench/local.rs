//! The embedded engine against a bare llama-cpp-2 program on the same file, prompt and threads.
//!
//! Both are examples of `mesoclaw-local`, so both are programs of the same build that load the
//! file, compute the prompt, generate greedily and time themselves in the same way. They run in
//! turn, and the ratio is taken round by round.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;
use serde_json::Value;

use crate::process::Watched;
use crate::row::{Row, mb, ms};
use crate::run::Setting;
use crate::turn::{Seen, Watcher, block_on};

/// The catalogue's id of the test model.
const MODEL: &str = "smollm2-135m";
/// Tokens to generate; 32 when it has to be quick.
const N_OUTPUT: u32 = 128;
/// Tokens the bare program computes at once: llama.cpp's own default.
const BARE_BATCH: u32 = 512;
/// Tokens mesoclaw computes at once, so that a cancel is felt soon.
const OUR_BATCH: u32 = 64;
/// What the engine's example says as system text.
const SYSTEM: &str = "You are a helpful assistant.";

/// Measures.
pub(crate) fn run(setting: &Setting) -> Vec<Row> {
    let model = model_file();
    let mut rows = against_bare(setting, &model);
    rows.extend(through_daemon(setting, &model));
    rows
}

/// The model file: `MESOCLAW_TEST_MODEL`, else what the tests fetched.
fn model_file() -> PathBuf {
    if let Some(path) = std::env::var_os("MESOCLAW_TEST_MODEL") {
        return PathBuf::from(path);
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-models");
    let found = fs::read_dir(&dir).into_iter().flatten().flatten();
    found
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|end| end == "gguf"))
        .unwrap_or_else(|| {
            panic!(
                "no model: set MESOCLAW_TEST_MODEL to the GGUF file of {MODEL}, or run the tests \
                 of mesoclaw-local, which fetch it into target/test-models"
            )
        })
}

/// About 400 tokens, and a task that is longer than the answer may be.
fn question() -> String {
    let mut text = "Here are notes from the log of a harbour.\n".to_owned();
    for day in 1..=12 {
        writeln!(
            text,
            "Day {day}: the wind came from the west, {} ships came in and {} left, and the \
             harbour master wrote down their names.",
            day + 2,
            day + 1
        )
        .expect("a string takes everything");
    }
    text.push_str("Write a very long story about this harbour, with many details.");
    text
}

/// The question as the model's own chat template writes it.
fn rendered(question: &str) -> String {
    format!(
        "<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n\
         <|im_start|>assistant\n"
    )
}

/// What the three programs of one round printed.
struct Round {
    bare: Value,
    chunked: Value,
    ours: Value,
}

fn against_bare(setting: &Setting, model: &Path) -> Vec<Row> {
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .to_string();
    let dir = tempfile::tempdir().expect("a directory");
    let model = fs::canonicalize(model).expect("the model file");
    symlink(&model, dir.path().join(format!("{MODEL}.gguf"))).expect("a link");
    let n_output = if setting.is_quick { 32 } else { N_OUTPUT };
    let (question, output) = (question(), n_output.to_string());
    let bare = |batch: u32| {
        let mut command = example(setting, "bare");
        command
            .arg(&model)
            .args([&threads, &batch.to_string(), &output]);
        answer(&mut command, &rendered(&question))
    };
    let ours = || {
        let mut command = example(setting, "ours");
        command
            .arg(dir.path())
            .args([threads.as_str(), output.as_str(), "1", MODEL]);
        answer(&mut command, &question)
    };
    // One run reads the file from disk and is not counted.
    bare(OUR_BATCH);
    let rounds: Vec<_> = (0..setting.rounds(5, 3))
        .map(|round| {
            // Who comes first changes, so that a machine that slows down favours nobody.
            let early = (round % 2 == 0).then(ours);
            let (bare, chunked) = (bare(BARE_BATCH), bare(OUR_BATCH));
            let ours = early.unwrap_or_else(ours);
            Round {
                bare,
                chunked,
                ours,
            }
        })
        .collect();
    compare(&rounds)
}

fn compare(rounds: &[Round]) -> Vec<Row> {
    let n_same = rounds
        .iter()
        .filter(|round| round.ours["text"] == round.chunked["text"])
        .count();
    let same = Row::one(
        "rounds with the text of the bare program in chunks of 64",
        &format!("of {}", rounds.len()),
        n_same as f64,
    );
    let mut rows = vec![same];
    for (what, unit, key) in [
        ("prompt tokens", "", "prompt_tokens"),
        ("generated tokens", "", "gen_tokens"),
        ("prompt", "tok/s", "prompt_tok_s"),
        ("generation", "tok/s", "gen_tok_s"),
    ] {
        let of = |side: fn(&Round) -> &Value| -> Vec<f64> {
            let values = rounds.iter().map(|round| side(round)[key].as_f64());
            values.map(|value| value.expect("a number")).collect()
        };
        let bare = of(|round| &round.bare);
        let chunked = of(|round| &round.chunked);
        let ours = of(|round| &round.ours);
        let ratio = |other: &[f64]| ours.iter().zip(other).map(|(a, b)| a / b).collect();
        let (to_bare, to_chunked) = (ratio(&bare), ratio(&chunked));
        rows.extend([
            Row::of(format!("{what}, bare program"), unit, bare),
            Row::of(format!("{what}, mesoclaw"), unit, ours),
        ]);
        if unit.is_empty() {
            continue;
        }
        let name = format!("{what}, mesoclaw / bare");
        rows.push(Row::of(name, "", to_bare).goal("≥ 0.90"));
        let name = format!("{what}, mesoclaw / bare in chunks of 64");
        rows.push(Row::of(name, "", to_chunked));
    }
    rows
}

fn example(setting: &Setting, name: &str) -> Command {
    let path = setting.examples.join(name);
    assert!(
        path.is_file(),
        "{} is missing: cargo build --release -p mesoclaw-local --examples",
        path.display()
    );
    Command::new(path)
}

/// The first line an example prints about a prompt.
fn answer(command: &mut Command, prompt: &str) -> Value {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = Watched::spawn(command);
    let mut stdin = child.stdin();
    stdin.write_all(prompt.as_bytes()).expect("it reads");
    drop(stdin);
    let mut text = String::new();
    child.stdout().read_to_string(&mut text).expect("it prints");
    child.succeed();
    let line = text.lines().next().expect("a line");
    serde_json::from_str(line).expect("JSON")
}

/// Two turns of fresh sessions through the daemon, first with the model on disk.
fn through_daemon(setting: &Setting, model: &Path) -> Vec<Row> {
    let home = TestHome::new();
    let models = home.user_home().join("models");
    fs::create_dir(&models).expect("a directory");
    let model = fs::canonicalize(model).expect("the model file");
    symlink(&model, models.join(format!("{MODEL}.gguf"))).expect("a link");
    home.write_config(&format!(
        "provider_name = \"local\"\nprovider_model_id = \"{MODEL}\"\nmodels_dir = \"{}\"\n\
         agent_temperature = 0.0\nagent_max_tokens = 32\nagent_max_continuations = 0\n\
         local_idle_unload_secs = 0\n",
        models.display()
    ));
    let daemon = DaemonProcess::start(&setting.mesoclaw, &home);
    let unloaded = daemon.rss_bytes();
    let turns = block_on(async {
        let mut watcher = Watcher::connect(&daemon).await;
        let mut turns = Vec::new();
        for n in 0..=setting.rounds(5, 2) {
            turns.push(two_turns(&mut watcher, n).await);
        }
        turns
    });
    let (cold, warm) = turns.split_first().expect("turns");
    let times = |value: &dyn Fn(&[Turn; 2]) -> f64| warm.iter().map(value).collect::<Vec<_>>();
    vec![
        Row::one("first token, turn 1, model on disk", "ms", cold[0].first_ms),
        Row::of(
            "first token, turn 1, model loaded",
            "ms",
            times(&|turns| turns[0].first_ms),
        ),
        Row::of(
            "first token, turn 2",
            "ms",
            times(&|turns| turns[1].first_ms),
        ),
        Row::of(
            "turn 1: prompt tokens",
            "",
            times(&|turns| turns[0].seen.usage.input_tokens as f64),
        ),
        Row::of(
            "turn 1: of them cached (the system text)",
            "",
            times(&|turns| turns[0].seen.usage.cached_tokens as f64),
        ),
        Row::of(
            "turn 2: prompt tokens",
            "",
            times(&|turns| turns[1].seen.usage.input_tokens as f64),
        ),
        Row::of(
            "turn 2: of them cached",
            "",
            times(&|turns| turns[1].seen.usage.cached_tokens as f64),
        )
        .goal("all but the new message"),
        Row::one("daemon RSS, no model loaded", "MB", mb(unloaded)),
        Row::one("daemon RSS, model loaded", "MB", mb(daemon.rss_bytes())),
    ]
}

struct Turn {
    first_ms: f64,
    seen: Seen,
}

/// A session of its own beginning: what an earlier one left in the cache must not help.
async fn two_turns(watcher: &mut Watcher, n: usize) -> [Turn; 2] {
    let question = format!("{n} is the number of this log. {}", question());
    let (session, first) = one_turn(watcher, None, &question).await;
    let (_, second) = one_turn(watcher, Some(session), "Now tell me about the ships.").await;
    [first, second]
}

async fn one_turn(
    watcher: &mut Watcher,
    session: Option<mesoclaw_api::SessionId>,
    text: &str,
) -> (mesoclaw_api::SessionId, Turn) {
    let start = Instant::now();
    let session = watcher.send(session, text).await;
    let seen = watcher.try_see_turn().await.expect("the turn ends");
    let first = seen
        .first_delta
        .unwrap_or_else(|| panic!("no text: {:?}", seen.outcome));
    let first_ms = ms(first - start);
    (session, Turn { first_ms, seen })
}
