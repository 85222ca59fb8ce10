//! What a model is told about a command that has ended.

use mesoclaw_agent::tool::ToolOutput;
use mesoclaw_sandbox::{Captured, Finished, Status, Stopped};

use crate::output::{floor_char_boundary, with_notes};

/// Output, error output and how it ended; together not much longer than `max_bytes`.
pub(super) fn of(
    finished: &Finished,
    limit_secs: u64,
    network: bool,
    max_bytes: usize,
) -> ToolOutput {
    let (stdout, stderr) = (finished.stdout.text(), finished.stderr.text());
    // What failed is mostly said in the error output, so it has a right to a third.
    let stderr_max = (max_bytes / 3).max(max_bytes.saturating_sub(stdout.len()));
    let stderr_shown = fit(&stderr, stderr_max);
    let stdout_shown = fit(&stdout, max_bytes.saturating_sub(stderr_shown.len()));
    let mut text = stdout_shown;
    if !stderr_shown.trim().is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str("[stderr]\n");
        text.push_str(&stderr_shown);
    }
    let mut notes = Vec::new();
    let was_cut = [&finished.stdout, &finished.stderr]
        .iter()
        .any(|output| is_cut(output));
    if was_cut || stdout.len() + stderr.len() > max_bytes + 64 {
        notes.push("output in the middle was cut: write it to a file, or use head, tail or grep, to see all of it".to_owned());
    }
    let is_success = finished.status.is_success() && finished.stopped.is_none();
    notes.extend(ending(finished, limit_secs));
    if !is_success {
        notes.extend(hints(finished, &stderr, network));
    }
    if text.trim().is_empty() && is_success {
        notes.push("no output; exit code 0".to_owned());
    }
    let text = with_notes(text, &notes);
    if is_success {
        ToolOutput::done(text)
    } else {
        ToolOutput::failed(text)
    }
}

fn is_cut(output: &Captured) -> bool {
    output.cut_bytes > 0
}

/// The start and the end of a text that is too long.
fn fit(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let head = floor_char_boundary(text, max_bytes * 2 / 3);
    let tail = floor_char_boundary(text, text.len() - max_bytes / 3);
    let cut = tail - head;
    format!(
        "{}\n[{cut} bytes cut]\n{}",
        text.get(..head).unwrap_or_default(),
        text.get(tail..).unwrap_or_default()
    )
}

fn ending(finished: &Finished, limit_secs: u64) -> Option<String> {
    let all = "the command and everything it started were ended";
    match (finished.stopped, finished.status) {
        (Some(Stopped::TimeLimit), _) => Some(format!(
            "time limit of {limit_secs} s reached: {all}; set timeout_secs for more"
        )),
        (Some(Stopped::Cancelled), _) => Some(format!("stopped: {all}")),
        (Some(Stopped::Flood), _) => Some(format!("too much output: {all}")),
        (None, Status::Exited(0)) => None,
        (None, Status::Exited(code)) => Some(format!("exit code {code}")),
        (None, Status::Signalled(signal)) => Some(format!("ended by signal {signal}")),
        (None, Status::Lost) => {
            Some("the command could not be ended in time and was given up".to_owned())
        }
    }
}

/// A model cannot know that a refusal was the sandbox.
fn hints(finished: &Finished, stderr: &str, network: bool) -> Vec<String> {
    let mut hints = Vec::new();
    let says = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    let is_refused = says(&[
        "Permission denied",
        "Operation not permitted",
        "Read-only file system",
    ]);
    if finished.enforced.filesystem.is_some() && is_refused {
        hints.push("commands may write only in the workspace and in $TMPDIR, and read only there and in system directories".to_owned());
    }
    let is_unreachable = says(&[
        "Network is unreachable",
        "Could not resolve",
        "could not resolve",
        "Temporary failure in name resolution",
        "failed to lookup address",
    ]);
    if finished.enforced.network.is_some() && !network && is_unreachable {
        hints.push("this command had no access to the network".to_owned());
    }
    hints
}
