//! The digest an approval is bound to: of everything that decides what would run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::facts::{Facts, FileIdentity, PathFact};
use super::inquiry::{Inquiry, PathQuestion};
use super::programs::Role;
use super::rules::rule;
use super::shell::Part;

/// SHA-256 over the call and what it means on this machine now, in lower-case hexadecimal.
pub(super) fn digest(inquiry: &Inquiry, facts: &Facts, network: bool) -> String {
    let mut text = String::with_capacity(1024);
    let mut part = |name: &str, value: &str| {
        // Lengths keep two parts from being read as one.
        write!(text, "{name}:{}:", value.len()).ok();
        text.push_str(value);
        text.push('\n');
    };
    part("tool", &inquiry.tool);
    let mut args = String::new();
    canonical(&inquiry.args, &mut args);
    part("args", &args);
    part("actions", &plain(&inquiry.actions));
    part("cwd", &facts.roots.cwd.to_string_lossy());
    for (name, value) in &facts.environment {
        part("env", name);
        if name == "TMPDIR" && Path::new(value) == facts.roots.temp {
            // The session's own directory has another random name after each start of the daemon.
            continue;
        }
        part("is", value);
    }
    for (name, program) in &facts.programs {
        part("program", name);
        let resolved = program
            .resolved
            .as_deref()
            .map(|path| path.to_string_lossy());
        part("file", resolved.as_deref().unwrap_or(""));
        part("identity", &identity(program.identity));
        part("untrusted", program.untrusted.as_deref().unwrap_or(""));
    }
    for (number, started) in &facts.processes {
        part("process", &format!("{number} {started:?}"));
    }
    let bound = bound(inquiry);
    for (question, fact) in &facts.paths {
        part("path", &question.given);
        part("resolved", &resolved(fact));
        let links = (fact.through_link, fact.other_names);
        part("links", &format!("{links:?}"));
        if bound.contains(question) {
            part("identity", &identities(fact));
        }
    }
    part("sandbox", if facts.sandbox.enforced { "yes" } else { "no" });
    part("network", if network { "yes" } else { "no" });
    hex(&Sha256::digest(text.as_bytes()))
}

/// JSON with sorted keys, independent of how maps are kept.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_by(|a, b| a.0.cmp(b.0));
            text.push('{');
            for (key, value) in keys {
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            write!(text, "{value}").ok();
        }
    }
}

fn plain<T: Serialize>(value: &T) -> String {
    let mut text = String::new();
    // These types are plain data, which can always be written.
    let value = serde_json::to_value(value).unwrap_or_default();
    canonical(&value, &mut text);
    text
}

fn identity(identity: Option<FileIdentity>) -> String {
    identity.map_or_else(String::new, |id| {
        format!(
            "{}:{}:{}:{}",
            id.device, id.inode, id.size_bytes, id.modified_ns
        )
    })
}

/// Files with code, which must be the same when it runs. What is read in a line with an interpreter
/// may reach it through a pipe.
fn bound(inquiry: &Inquiry) -> BTreeSet<&PathQuestion> {
    let mut questions = BTreeSet::new();
    for script in inquiry.scripts.values() {
        let has_interpreter = script.parts.iter().any(|part| {
            matches!(part, Part::Run(run) if run.assessment.rule == rule::PROGRAM_INTERPRETER)
        });
        for path_use in script.parts.iter().flat_map(Part::uses) {
            let may_be_code = matches!(path_use.role, Role::Read | Role::Code);
            if path_use.is_bound || has_interpreter && may_be_code {
                questions.extend(&path_use.questions);
            }
        }
    }
    questions
}

fn identities(fact: &PathFact) -> String {
    let mut text = identity(fact.identity);
    for found in fact.matches.iter().flatten() {
        text.push('\n');
        text.push_str(&identity(found.fact.identity));
    }
    text
}

/// Where a path leads. Sizes and times are left out: an approved command may be one of several
/// that change the same file.
fn resolved(fact: &PathFact) -> String {
    let mut text = fact.resolved.to_string_lossy().into_owned();
    for found in fact.matches.iter().flatten() {
        text.push('\n');
        text.push_str(&found.text);
        text.push('\n');
        text.push_str(&found.fact.resolved.to_string_lossy());
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").ok();
            text
        })
}
