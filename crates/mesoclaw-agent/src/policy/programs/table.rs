//! The table of programs, read once from `policy/programs.toml`.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer};

use super::assessment::{Level, Role};
use super::special::Special;

/// A program as a person reads it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownProgram {
    /// Its name; of a subcommand with that: `git log`.
    pub name: String,
    /// `low`, `medium`, `high`, `always asks` or `forbidden`, for a call with known options.
    pub risk: &'static str,
    /// What is known about it, in a line.
    pub note: String,
}

/// What stands at a place of the arguments.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Argument {
    /// Nothing is expected there.
    #[default]
    None,
    /// Text that is not a path.
    Text,
    /// A plain name: letters, digits and `._/:@-`.
    Plain,
    /// A format that starts with `+`.
    Format,
    /// A mode of permissions without special bits.
    Mode,
    /// A path whose names or metadata are read.
    List,
    /// A path that is read.
    Read,
    /// A path that is changed.
    Write,
    /// A path that goes away.
    Delete,
    /// A path that holds code.
    Code,
    /// Where the paths before it are copied to.
    Dest,
    /// A path, or something else that is harmless.
    Maybe,
}

/// What an option takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Takes {
    Nothing,
    /// A value after `=` only, and only if there is one.
    Optional,
    Value,
    Path(Role),
}

/// An option of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OptionInfo {
    pub takes: Takes,
    /// How severe the call is with it, at least.
    pub level: Level,
}

/// A program, or a subcommand of one.
#[derive(Default, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Entry {
    names: List,
    note: String,
    /// How severe a call with known options is.
    pub risk: Level,
    /// Why, as the rest of a sentence.
    pub why: Option<String>,
    flags: List,
    optional: List,
    values: List,
    reads: List,
    lists: List,
    writes: List,
    codes: List,
    /// Flags with which a call is of medium risk.
    medium: List,
    /// What stands where no option does.
    pub args: Argument,
    pub first: Option<Argument>,
    pub last: Option<Argument>,
    /// Options that take the place of the first argument.
    pub first_unless: List,
    /// How severe a call with such arguments is, at least.
    pub args_risk: Option<Level>,
    /// Most arguments that are no options.
    pub max: Option<usize>,
    /// `-5` is an option.
    pub numbers: bool,
    /// Options have one dash and many letters.
    pub long_dash: bool,
    /// Options end at the first argument.
    pub ordered: bool,
    pub builtin: bool,
    pub code: bool,
    pub interpreter: bool,
    pub machine: bool,
    pub network: bool,
    /// Whether an unknown subcommand or option may use the network.
    pub unknown_network: bool,
    pub repository: bool,
    pub wraps: bool,
    /// Arguments before the program that is started.
    pub skip: usize,
    /// Words that may stand where no option does, whatever `args` says.
    pub words: List,
    /// Nothing that starts with a dash changes anything.
    pub any_options: bool,
    /// Further arguments of any kind change nothing.
    pub any_args: bool,
    /// Options with which everything below a directory is read; `always` when that is what it does.
    pub deep: List,
    /// What is done to the directory it runs in when no path is named; with `code` its code runs.
    pub here: Option<Argument>,
    /// Words that must not stand in an argument of text: they reach for files.
    pub never: List,
    /// Changes the file of the name without its end.
    pub strips: bool,
    pub special: Option<Special>,
    sub: Vec<Entry>,
    #[serde(skip)]
    pub options: HashMap<String, OptionInfo>,
    #[serde(skip)]
    subs: HashMap<String, usize>,
}

/// Words with blanks between them.
#[derive(Default, Debug)]
pub(super) struct List(pub Vec<String>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self(text.split_whitespace().map(str::to_owned).collect()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    program: Vec<Entry>,
}

struct Table {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // A test reads the same text, so it is never refused; were it, no program would be known.
    let entries = parse(include_str!("../../../policy/programs.toml")).unwrap_or_default();
    let by_name = index(&entries);
    Table { entries, by_name }
});

/// Reads the table.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, toml_edit::de::Error> {
    let mut file: File = toml_edit::de::from_str(text)?;
    file.program.iter_mut().for_each(Entry::prepare);
    Ok(file.program)
}

/// Places by name.
fn index(entries: &[Entry]) -> HashMap<String, usize> {
    entries
        .iter()
        .enumerate()
        .flat_map(|(at, entry)| entry.names.0.iter().map(move |name| (name.clone(), at)))
        .collect()
}

/// The entry of a program.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    let at = TABLE.by_name.get(name)?;
    TABLE.entries.get(*at)
}

#[cfg(test)]
impl Entry {
    pub fn names(&self) -> &[String] {
        &self.names.0
    }

    pub fn subs(&self) -> &[Self] {
        &self.sub
    }

    /// The lists of options, by name.
    pub fn lists(&self) -> [(&'static str, &List); 8] {
        [
            ("flags", &self.flags),
            ("optional", &self.optional),
            ("medium", &self.medium),
            ("values", &self.values),
            ("reads", &self.reads),
            ("lists", &self.lists),
            ("writes", &self.writes),
            ("codes", &self.codes),
        ]
    }
}

impl Entry {
    fn prepare(&mut self) {
        let groups = [
            (&self.flags, Takes::Nothing, Level::Low),
            (&self.optional, Takes::Optional, Level::Low),
            (&self.medium, Takes::Nothing, Level::Medium),
            (&self.values, Takes::Value, Level::Low),
            (&self.reads, Takes::Path(Role::Read), Level::Low),
            (&self.lists, Takes::Path(Role::List), Level::Low),
            (&self.writes, Takes::Path(Role::Write), Level::Medium),
            (&self.codes, Takes::Path(Role::Code), Level::Low),
        ];
        let mut options = HashMap::new();
        for (list, takes, level) in groups {
            for name in &list.0 {
                options.insert(name.clone(), OptionInfo { takes, level });
            }
        }
        self.options = options;
        self.sub.iter_mut().for_each(Self::prepare);
        self.subs = index(&self.sub);
    }

    /// The subcommand of this name.
    pub fn sub(&self, name: &str) -> Option<&Self> {
        self.sub.get(*self.subs.get(name)?)
    }

    /// Whether the first argument names a subcommand.
    pub fn has_subs(&self) -> bool {
        !self.sub.is_empty()
    }
}

/// All known programs with their subcommands, by name.
pub fn known_programs() -> Vec<KnownProgram> {
    let mut known = Vec::new();
    for entry in &TABLE.entries {
        list(entry, "", &mut known);
    }
    known.sort_by(|a, b| a.name.cmp(&b.name));
    known
}

fn list(entry: &Entry, prefix: &str, known: &mut Vec<KnownProgram>) {
    for name in &entry.names.0 {
        let name = format!("{prefix}{name}");
        for sub in &entry.sub {
            list(sub, &format!("{name} "), known);
        }
        known.push(KnownProgram {
            name,
            risk: match entry.risk {
                _ if entry.has_subs() || entry.special.is_some() => "varies",
                Level::Low => "low",
                Level::Medium => "medium",
                Level::High => "high",
                Level::Always => "always asks",
                Level::Forbidden => "forbidden",
            },
            note: entry.note.clone(),
        });
    }
}
