//! The search itself: ripgrep's searcher over files that are opened by handle.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use grep_matcher::LineTerminator;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkMatch};
use ignore::gitignore::Gitignore;

use crate::background::Stop;
use crate::output::LINE_MAX_BYTES;
use crate::walk::{Found, Visitor, WalkReport, n_threads, walk};
use crate::workspace::{Directory, EntryKind, OpenFile};

/// Longest part of a matching line that is shown, in bytes.
const SHOWN_MAX_BYTES: usize = LINE_MAX_BYTES / 4;

/// The longest pattern.
const PATTERN_MAX_BYTES: usize = 4096;

/// The most memory a pattern may take once compiled.
const REGEX_MAX_BYTES: usize = 16 * 1024 * 1024;

/// A longer line ends the search of its file: it is data, not text.
const BUFFERED_LINE_MAX_BYTES: usize = 32 * 1024 * 1024;

/// What to look for.
pub struct Query {
    /// The pattern.
    pub matcher: RegexMatcher,
    /// Only files that match this.
    pub glob: Option<Gitignore>,
    /// Lines shown around each match.
    pub context: usize,
    /// Matching lines kept, the first ones by path.
    pub max_results: usize,
}

/// What was found.
pub struct Search {
    /// The files with the first matches, by path; relative to the directory that was searched.
    pub files: Vec<FileMatches>,
    /// Matching lines in all.
    pub n_matches: usize,
    /// Files with matches in all.
    pub n_files: usize,
    /// Files with matches that are not shown.
    pub n_secret: usize,
    /// Whether one file was searched, not a directory.
    pub is_file: bool,
    /// How the walk went.
    pub report: WalkReport,
}

/// The matches of a file.
pub struct FileMatches {
    /// The file.
    pub path: PathBuf,
    /// The lines, in order.
    pub lines: Vec<FoundLine>,
}

/// A line that is shown.
pub struct FoundLine {
    /// Its number, from 1.
    pub number: u64,
    /// The text, or its start.
    pub text: String,
    /// Whether the end is missing.
    pub is_cut: bool,
    /// Whether it matches, or only stands beside a match.
    pub is_match: bool,
}

/// Reads a pattern.
///
/// # Errors
/// A sentence for the model.
pub fn matcher(pattern: &str, case_insensitive: bool) -> Result<RegexMatcher, String> {
    if pattern.is_empty() || pattern.len() > PATTERN_MAX_BYTES {
        return Err(format!(
            "`pattern` must have 1 to {PATTERN_MAX_BYTES} bytes, like `fn main`."
        ));
    }
    RegexMatcherBuilder::new()
        .case_insensitive(case_insensitive)
        .crlf(true)
        .size_limit(REGEX_MAX_BYTES)
        .dfa_size_limit(REGEX_MAX_BYTES)
        .build(pattern)
        .map_err(|error| {
            format!("`pattern` is not a regular expression: {error}. To search for plain text put a backslash before each of .*+?()[]{{}}|^$\\.")
        })
}

/// Searches a file, or a directory with everything below it. Files that `is_secret` names are
/// counted, not shown.
///
/// # Errors
/// A sentence for the model: the path cannot be opened.
pub fn grep(
    path: &Path,
    query: &Query,
    is_secret: &(dyn Fn(&Path) -> bool + Sync),
    stop: &Stop,
) -> Result<Search, String> {
    match Directory::open(path) {
        Ok(root) => Ok(grep_below(&root, query, is_secret, stop)),
        Err(crate::error::FileError::Enter { .. }) => grep_file(path, query, stop),
        Err(error) => Err(error.sentence()),
    }
}

fn grep_file(path: &Path, query: &Query, stop: &Stop) -> Result<Search, String> {
    let file = OpenFile::open(path).map_err(|error| error.sentence())?;
    let mut worker = Worker::new(query, &|_| false, stop, PathBuf::new());
    worker
        .search(&file, Path::new(""))
        .map_err(|error| format!("Cannot read `{}`: {error}.", path.display()))?;
    let mut search = merge(vec![worker], query.max_results);
    search.is_file = true;
    search.report.stopped = stop.reason();
    Ok(search)
}

fn grep_below(
    root: &Directory,
    query: &Query,
    is_secret: &(dyn Fn(&Path) -> bool + Sync),
    stop: &Stop,
) -> Search {
    let make = || Worker::new(query, is_secret, stop, root.path().to_path_buf());
    let (workers, report) = walk(root, n_threads(), stop, make);
    Search {
        report,
        ..merge(workers, query.max_results)
    }
}

fn merge(workers: Vec<Worker<'_>>, max_results: usize) -> Search {
    let mut search = Search {
        files: Vec::new(),
        n_matches: 0,
        n_files: 0,
        n_secret: 0,
        is_file: false,
        report: WalkReport::default(),
    };
    let mut files = BTreeMap::new();
    for worker in workers {
        search.n_matches += worker.n_matches;
        search.n_files += worker.n_files;
        search.n_secret += worker.n_secret;
        files.extend(worker.kept.files);
    }
    let mut n_kept = 0;
    for (path, (n_matches, lines)) in files {
        if n_kept >= max_results {
            break;
        }
        n_kept += n_matches;
        search.files.push(FileMatches { path, lines });
    }
    search
}

/// The files with the first matches by path.
#[derive(Default)]
struct Kept {
    files: BTreeMap<PathBuf, (usize, Vec<FoundLine>)>,
    n_matches: usize,
}

impl Kept {
    /// Whether matches of this file could be among the first ones.
    fn wants(&self, path: &Path, max: usize) -> bool {
        self.n_matches < max
            || self
                .files
                .last_key_value()
                .is_some_and(|(last, _)| path < last.as_path())
    }

    fn add(&mut self, path: PathBuf, n_matches: usize, lines: Vec<FoundLine>, max: usize) {
        self.n_matches += n_matches;
        self.files.insert(path, (n_matches, lines));
        while let Some(last) = self.files.last_entry() {
            let n_last = last.get().0;
            if self.n_matches - n_last < max {
                break;
            }
            self.n_matches -= n_last;
            last.remove();
        }
    }
}

struct Worker<'a> {
    query: &'a Query,
    is_secret: &'a (dyn Fn(&Path) -> bool + Sync),
    stop: &'a Stop,
    root: PathBuf,
    searcher: Searcher,
    kept: Kept,
    n_matches: usize,
    n_files: usize,
    n_secret: usize,
}

impl<'a> Worker<'a> {
    fn new(
        query: &'a Query,
        is_secret: &'a (dyn Fn(&Path) -> bool + Sync),
        stop: &'a Stop,
        root: PathBuf,
    ) -> Self {
        let searcher = SearcherBuilder::new()
            .binary_detection(BinaryDetection::quit(0))
            .line_number(true)
            .line_terminator(LineTerminator::crlf())
            .before_context(query.context)
            .after_context(query.context)
            .heap_limit(Some(BUFFERED_LINE_MAX_BYTES))
            .build();
        Self {
            query,
            is_secret,
            stop,
            root,
            searcher,
            kept: Kept::default(),
            n_matches: 0,
            n_files: 0,
            n_secret: 0,
        }
    }

    fn search(&mut self, file: &OpenFile, path: &Path) -> io::Result<()> {
        let mut sink = Lines {
            stop: self.stop,
            keeps: self.kept.wants(path, self.query.max_results),
            max: self.query.max_results,
            found: Vec::new(),
            n_matches: 0,
            is_binary: false,
        };
        let reader = Stoppable {
            file: file.file(),
            stop: self.stop,
        };
        self.searcher
            .search_reader(&self.query.matcher, reader, &mut sink)?;
        if sink.n_matches == 0 || sink.is_binary {
            return Ok(());
        }
        if (self.is_secret)(&self.root.join(path)) {
            self.n_secret += 1;
            return Ok(());
        }
        self.n_matches += sink.n_matches;
        self.n_files += 1;
        if sink.keeps {
            let n_kept = sink.n_matches.min(self.query.max_results);
            let max = self.query.max_results;
            self.kept.add(path.to_path_buf(), n_kept, sink.found, max);
        }
        Ok(())
    }
}

impl Visitor for Worker<'_> {
    fn visit(&mut self, found: &Found<'_>) {
        if found.kind != EntryKind::File {
            return;
        }
        let path = found.parent.join(found.name);
        if let Some(glob) = &self.query.glob
            && !glob.matched_path_or_any_parents(&path, false).is_ignore()
        {
            return;
        }
        if let Ok(file) = found.directory.open_listed_file(found.name)
            && let Err(error) = self.search(&file, &path)
        {
            tracing::debug!(%error, "file not searched");
        }
    }
}

/// A file that is at its end when the search should end: one file can be very long.
struct Stoppable<'a> {
    file: &'a File,
    stop: &'a Stop,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.stop.reason().is_some() {
            return Ok(0);
        }
        self.file.read(buf)
    }
}

/// Takes the lines of one file.
struct Lines<'a> {
    stop: &'a Stop,
    keeps: bool,
    max: usize,
    found: Vec<FoundLine>,
    n_matches: usize,
    is_binary: bool,
}

impl Lines<'_> {
    fn keep(&mut self, number: Option<u64>, bytes: &[u8], is_match: bool) {
        if !self.keeps || self.n_matches > self.max {
            return;
        }
        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_cut = line.len() > SHOWN_MAX_BYTES;
        let start = line.get(..SHOWN_MAX_BYTES).unwrap_or(line);
        self.found.push(FoundLine {
            number: number.unwrap_or(0),
            text: String::from_utf8_lossy(start).into_owned(),
            is_cut,
            is_match,
        });
    }
}

impl Sink for Lines<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        let mut number = found.line_number();
        for line in found.lines() {
            self.n_matches += 1;
            self.keep(number, line, true);
            number = number.map(|number| number + 1);
        }
        let looks = self.n_matches.is_multiple_of(1024);
        Ok(!(looks && self.stop.reason().is_some()))
    }

    fn context(&mut self, _: &Searcher, found: &SinkContext<'_>) -> io::Result<bool> {
        self.keep(found.line_number(), found.bytes(), false);
        Ok(true)
    }

    fn binary_data(&mut self, _: &Searcher, _: u64) -> io::Result<bool> {
        self.is_binary = true;
        Ok(false)
    }
}
