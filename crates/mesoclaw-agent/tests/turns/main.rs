//! The turn machine, played from text files (`fixtures/*.turn`) and from random events.
//!
//! A fixture lists events, each followed by the effects it must have, all of them and in order.
//! `UPDATE_TURNS=1 cargo test -p mesoclaw-agent --test turns` writes the effects anew; read the
//! difference before you keep it. The words of the format are in `script.rs` and `show.rs`.

mod play;
mod promises;
mod properties;
mod script;
mod show;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

/// The first line that differs, for people.
fn first_difference(written: &str, played: &str) -> String {
    let mut written = written.lines();
    let mut played = played.lines();
    for number in 1.. {
        let (expected, found) = (written.next(), played.next());
        if expected != found {
            return format!(
                "line {number}\n  written: {}\n  played:  {}",
                expected.unwrap_or("(end of file)"),
                found.unwrap_or("(end of file)")
            );
        }
        if expected.is_none() {
            break;
        }
    }
    "the last line end".to_owned()
}

#[test]
fn every_fixture_plays_as_written() {
    let paths = fixtures();
    assert!(paths.len() >= 36, "only {} fixtures", paths.len());
    let mut failures = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.extension().is_none_or(|extension| extension != "turn") {
            failures.push(format!("{name}: not a .turn file"));
            continue;
        }
        let written = fs::read_to_string(&path).unwrap();
        match play::play(&written) {
            Err(error) => failures.push(format!("{name}: {error}")),
            Ok(played) if played == written => {}
            Ok(played) if std::env::var_os("UPDATE_TURNS").is_some() => {
                fs::write(&path, played).unwrap();
            }
            Ok(played) => failures.push(format!("{name}: {}", first_difference(&written, &played))),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_line_nobody_understands_is_an_error() {
    for line in [
        "hello",
        "user",
        "user:",
        "context: soon",
        "model: hum",
        "model: call x a read {}",
        "model: stop now",
        "model: fail badly why",
        "model: text unquoted",
        "call a: maybe",
        "result a: fine 1ms \"x\"",
        "result a: ok soon \"x\"",
        "limits: model_calls=many",
        "history: poem \"x\"",
        "user: hi\nlimits: model_calls=1 continuations=1",
    ] {
        assert!(play::play(line).is_err(), "{line}");
    }
}
