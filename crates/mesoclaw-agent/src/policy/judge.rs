//! From what a call would do and the facts to judged steps.

mod below;
mod command;
mod file;
mod into;
mod kernel;

use std::path::PathBuf;

use mesoclaw_api::ops::approval::Risk;

use super::action::Action;
use super::decision::{Effect, Step};
use super::facts::Facts;
use super::inquiry::{Inquiry, PathQuestion};
use super::programs::{Level, Role};
use super::rules::rule;
use super::show::escaped;

/// A step, with what decides whether it may run.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub step: Step,
    pub level: Level,
    /// What a pattern is held against.
    pub subject: Subject,
    /// Words that only a pattern which names them covers.
    pub far: Vec<usize>,
    /// Whether it tells about the machine instead of the workspace.
    pub machine: bool,
    /// Whether it runs code of the project.
    pub code: bool,
    /// Whether its program can be changed by what a grant for it would let through.
    pub changeable: bool,
    /// Whether everything below a directory outside becomes readable for the command.
    pub opens: bool,
    pub network: bool,
    pub reads: Vec<PathBuf>,
    /// Directories outside of which it sees names only.
    pub lists: Vec<PathBuf>,
    pub writes: Vec<PathBuf>,
    /// Those of `writes` that are opened as the files they are.
    pub opened: Vec<PathBuf>,
}

/// What a pattern is held against.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Subject {
    /// Words of a command.
    Words(Vec<String>),
    /// A resolved path.
    Path(PathBuf),
    /// A host.
    Host(String),
    /// Anything else.
    Other,
}

impl Judged {
    fn new(level: Level, rule: &'static str, what: String, reason: String, effect: Effect) -> Self {
        Self {
            step: Step {
                what,
                words: Vec::new(),
                risk: risk(level),
                effect,
                rule,
                reason,
                program: None,
            },
            level,
            subject: Subject::Other,
            far: Vec::new(),
            machine: false,
            code: false,
            changeable: false,
            opens: false,
            network: false,
            reads: Vec::new(),
            lists: Vec::new(),
            writes: Vec::new(),
            opened: Vec::new(),
        }
    }

    /// Makes it at least this severe.
    fn raise(&mut self, level: Level, rule: &'static str, reason: String) {
        if level > self.level {
            self.level = level;
            self.step.risk = risk(level);
            self.step.rule = rule;
            self.step.reason = reason;
        }
    }
}

/// The risk as it is shown.
pub(super) fn risk(level: Level) -> Risk {
    match level {
        Level::Low => Risk::Low,
        Level::Medium => Risk::Medium,
        Level::High | Level::Always | Level::Forbidden => Risk::High,
    }
}

/// All steps of a call, judged.
pub(super) fn judge(inquiry: &Inquiry, facts: &Facts) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (at, action) in inquiry.actions.iter().enumerate() {
        match (action, inquiry.scripts.get(&at)) {
            (Action::Command { .. }, Some(script)) => {
                judged.extend(command::judge(script, facts));
            }
            (action, _) => judged.push(one(action, facts)),
        }
    }
    if judged.is_empty() {
        judged.push(Judged::new(
            Level::High,
            rule::ACTION_OTHER,
            inquiry.tool.clone(),
            format!("`{}` does not say what it would do", escaped(&inquiry.tool)),
            Effect::Change,
        ));
    }
    judged
}

fn one(action: &Action, facts: &Facts) -> Judged {
    match action {
        Action::Read { path } => on_path("read", path, Role::Read, facts),
        Action::List { path } => on_path("list", path, Role::List, facts),
        Action::Write { path } => on_path("write", path, Role::Write, facts),
        Action::Delete { path } => on_path("delete", path, Role::Delete, facts),
        Action::Fetch { url } => fetch(url),
        Action::Search { query } => {
            let mut judged = Judged::new(
                Level::Medium,
                rule::ACTION_WEB,
                format!("search the web for {}", escaped(query)),
                "it asks a search service of the network".to_owned(),
                Effect::Send,
            );
            judged.network = true;
            judged
        }
        Action::Inspect => about(
            Level::Low,
            rule::ACTION_INSPECT,
            "look at this machine",
            Effect::Look,
        ),
        Action::Signal { pid } => about(
            Level::High,
            rule::ACTION_SIGNAL,
            &format!("end process {pid}"),
            Effect::Change,
        ),
        Action::Send { to } => about(
            Level::High,
            rule::ACTION_SEND,
            &format!("send to {to}"),
            Effect::Send,
        ),
        Action::Remember { what } => about(
            Level::Low,
            rule::ACTION_REMEMBER,
            &format!("remember {what}"),
            Effect::Change,
        ),
        Action::Propose { what } => about(
            Level::Low,
            rule::ACTION_PROPOSE,
            &format!("propose {what}"),
            Effect::Change,
        ),
        Action::Foreign { name, what } => about(
            Level::High,
            rule::ACTION_FOREIGN,
            &format!("{name}: {what}"),
            Effect::Send,
        ),
        Action::Other { what } | Action::Command { line: what } => {
            about(Level::High, rule::ACTION_OTHER, what, Effect::Change)
        }
    }
}

fn about(level: Level, rule: &'static str, what: &str, effect: Effect) -> Judged {
    let text = super::rules::rules()
        .iter()
        .find(|info| info.id == rule)
        .map_or("", |info| info.text);
    let mut judged = Judged::new(
        level,
        rule,
        escaped(what),
        text.trim_end_matches('.').to_owned(),
        effect,
    );
    judged.machine = true;
    judged.network = effect == Effect::Send;
    judged
}

fn fetch(url: &str) -> Judged {
    let host = host(url);
    let mut judged = Judged::new(
        Level::Medium,
        rule::ACTION_WEB,
        format!("fetch {}", escaped(url)),
        "it reads an address of the network".to_owned(),
        Effect::Send,
    );
    match host {
        Some(host) => judged.subject = Subject::Host(host),
        None => judged.raise(
            Level::High,
            rule::ACTION_WEB,
            "the address is not a plain web address".to_owned(),
        ),
    }
    judged.network = true;
    judged
}

/// The host of a plain web address, in lower case; `None` for anything unusual.
fn host(url: &str) -> Option<String> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.split(':').next()?;
    let is_plain = !host.is_empty()
        && authority.matches(':').count() <= 1
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    is_plain.then(|| host.trim_end_matches('.').to_ascii_lowercase())
}

fn on_path(verb: &str, path: &str, role: Role, facts: &Facts) -> Judged {
    let question = PathQuestion {
        given: path.to_owned(),
        is_glob: false,
    };
    let finding = file::judge(&question, role, file::From::Tool, facts);
    let mut judged = Judged::new(
        finding.level,
        finding.rule,
        format!("{verb} {}", escaped(path)),
        finding.reason,
        finding.effect,
    );
    judged.step.words = vec![verb.to_owned(), path.to_owned()];
    if let Some(path) = finding.subject {
        judged.subject = Subject::Path(path);
    }
    judged.machine = finding.machine;
    judged.reads = finding.reads;
    judged.lists = finding.lists;
    judged.writes = finding.writes;
    judged
}
