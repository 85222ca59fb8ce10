//! The command line: a few flags, read by hand.

use std::path::{Path, PathBuf};

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
usage: mesoclaw-bench [OPTIONS] [NAME...]

Runs the named benches, or all of them, against a mesoclaw binary.

  --mesoclaw PATH        the binary to measure [default: mesoclaw beside this program]
  --mesoclaw-small PATH  a build without the embedded engine, for its size
  --examples DIR         where the examples `bare` and `ours` of mesoclaw-local are
                         [default: examples beside this program]
  --rg PATH              ripgrep, for comparison [default: rg in PATH]
  --quick                fewer rounds, smaller trees
  --tokens N             tokens of an answer in `dialects` [default: 100000]
  --json FILE            write the rows to FILE as JSON, too
  --from FILE            print the rows of such a file and measure nothing
  --markdown             print rows for docs/benchmarks.md instead of a table
  --list                 name the benches
  --help                 print this

`dialects`, `dialect-memory`, `store`, `policy`, `file_search` and `content_search` need no mesoclaw
binary:

  cargo build --release -p mesoclaw-bench
  target/release/mesoclaw-bench dialects dialect-memory

`dialect-memory` reads in processes of its own: it starts this program with
`--read DIALECT BASE_URL`, which prints the memory after every 100,000 tokens.";

/// Tokens of an answer in `dialects`.
const N_TOKENS: u64 = 100_000;

/// What to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Print the usage.
    Help,
    /// Name the benches.
    List,
    /// Measure, or print what was measured before.
    Measure,
    /// Read one answer and print what memory it took, for the bench that started this process.
    Read {
        /// The dialect's word.
        dialect: String,
        /// Where the scripted server is.
        base_url: String,
    },
}

/// The command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Args {
    /// What to do.
    pub(crate) mode: Mode,
    /// The binary to measure.
    pub(crate) mesoclaw: PathBuf,
    /// A build without the engine.
    pub(crate) small: Option<PathBuf>,
    /// Directory of the examples of mesoclaw-local.
    pub(crate) examples: PathBuf,
    /// The ripgrep to compare with; `None` = the one in PATH.
    pub(crate) rg: Option<PathBuf>,
    /// Fewer rounds.
    pub(crate) is_quick: bool,
    /// Tokens of an answer in `dialects`.
    pub(crate) n_tokens: u64,
    /// Where the rows go as JSON.
    pub(crate) json: Option<PathBuf>,
    /// Where rows come from instead of a measurement.
    pub(crate) from: Option<PathBuf>,
    /// Print Markdown.
    pub(crate) is_markdown: bool,
    /// The benches to run; empty = all.
    pub(crate) names: Vec<String>,
}

impl Args {
    /// Reads the words after the program's name.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let beside = std::env::current_exe()
            .ok()
            .and_then(|exe| exe.parent().map(Path::to_path_buf))
            .unwrap_or_default();
        let mut args = Self {
            mode: Mode::Measure,
            mesoclaw: beside.join("mesoclaw"),
            small: None,
            examples: beside.join("examples"),
            rg: None,
            is_quick: false,
            n_tokens: N_TOKENS,
            json: None,
            from: None,
            is_markdown: false,
            names: Vec::new(),
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = |what: &str| words.next().ok_or(format!("{word} needs {what}"));
            let mut path = || value("a path").map(PathBuf::from);
            match word.as_str() {
                "--mesoclaw" => args.mesoclaw = path()?,
                "--mesoclaw-small" => args.small = Some(path()?),
                "--rg" => args.rg = Some(path()?),
                "--examples" => args.examples = path()?,
                "--json" => args.json = Some(path()?),
                "--from" => args.from = Some(path()?),
                "--tokens" => args.n_tokens = number(&value("a number")?)?,
                "--read" => {
                    args.mode = Mode::Read {
                        dialect: value("a dialect and an address")?,
                        base_url: value("a dialect and an address")?,
                    }
                }
                "--quick" => args.is_quick = true,
                "--markdown" => args.is_markdown = true,
                "--list" => args.mode = Mode::List,
                "--help" | "-h" => args.mode = Mode::Help,
                _ if word.starts_with('-') => return Err(format!("unknown option {word}")),
                _ => args.names.push(word),
            }
        }
        Ok(args)
    }
}

fn number(word: &str) -> Result<u64, String> {
    match word.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(format!("{word} is no number of tokens")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_and_names_may_stand_in_any_order() {
        let default = parse("").unwrap();
        assert_eq!(
            parse("idle --quick --mesoclaw m stream --json out --tokens 5").unwrap(),
            Args {
                mesoclaw: "m".into(),
                is_quick: true,
                n_tokens: 5,
                json: Some("out".into()),
                names: vec!["idle".to_owned(), "stream".to_owned()],
                ..default
            }
        );
    }

    #[test]
    fn a_reading_process_is_told_dialect_and_address() {
        let mode = Mode::Read {
            dialect: "gemini".to_owned(),
            base_url: "http://127.0.0.1:1".to_owned(),
        };
        let told = parse("--read gemini http://127.0.0.1:1").unwrap();
        assert_eq!(told.mode, mode);
        let refused = Err("--read needs a dialect and an address".to_owned());
        assert_eq!(parse("--read gemini"), refused);
    }

    #[test]
    fn what_is_not_understood_is_said() {
        assert_eq!(parse("--json"), Err("--json needs a path".to_owned()));
        assert_eq!(
            parse("--tokens 0"),
            Err("0 is no number of tokens".to_owned())
        );
        assert_eq!(parse("--nope"), Err("unknown option --nope".to_owned()));
    }
}
