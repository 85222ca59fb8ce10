//! `mesoclaw daemon logs`: the end of the log, and what is added to it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::connect::{Home, START_LOG};
use crate::exit::{CliError, CliResult, OK};
use crate::output::Console;

/// Between two looks at a file that is followed.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Bytes read at once, from the end backwards.
const CHUNK: u64 = 64 * 1024;

/// Runs `mesoclaw daemon logs`.
///
/// # Errors
/// A file cannot be read, or nobody reads the output any more.
pub fn main(console: Console, home: &Home, follow: bool, lines: usize) -> CliResult {
    let dir = &home.paths.log_dir;
    let mut current = log_files(dir).pop();
    let mut offset = 0;
    if let Some(path) = &current {
        let (text, end) = last_lines(path, lines)?;
        console.print(&text)?;
        offset = end;
    } else {
        // A daemon that never came so far as to write its log may have said why.
        let start_log = dir.join(START_LOG);
        if start_log.is_file() {
            console.print(&last_lines(&start_log, lines)?.0)?;
        } else {
            console.note(&format!("there is no log in {} yet", dir.display()));
        }
    }
    if !follow {
        return Ok(OK);
    }
    loop {
        std::thread::sleep(BETWEEN_LOOKS);
        if let Some(path) = &current {
            let (text, end) = from(path, offset)?;
            console.print(&text)?;
            offset = end;
        }
        // A new day begins a new file.
        let newest = log_files(dir).pop();
        if newest != current {
            current = newest;
            offset = 0;
        }
    }
}

/// The daemon's log files, the newest last.
fn log_files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("mesoclaw.") && name.ends_with(".log") && path.is_file()
        })
        .collect();
    // The day is part of the name, so the order of names is that of time.
    files.sort();
    files
}

/// The last lines of a file, and where it ends.
fn last_lines(path: &Path, lines: usize) -> CliResult<(String, u64)> {
    let read = || -> std::io::Result<(Vec<u8>, u64)> {
        let mut file = File::open(path)?;
        let end = file.metadata()?.len();
        let mut start = end;
        let mut tail = Vec::new();
        while start > 0 && tail.split(|byte| *byte == b'\n').count() <= lines + 1 {
            let size = start.min(CHUNK);
            start -= size;
            file.seek(SeekFrom::Start(start))?;
            let mut chunk = Vec::new();
            (&file).take(size).read_to_end(&mut chunk)?;
            chunk.append(&mut tail);
            tail = chunk;
        }
        Ok((tail, end))
    };
    let (tail, end) = read().map_err(|error| CliError::file("read", path, &error))?;
    let text = String::from_utf8_lossy(&tail);
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    let last = all
        .get(all.len().saturating_sub(lines)..)
        .unwrap_or_default();
    Ok((last.concat(), end))
}

/// What stands in a file from `offset` on, up to its last whole line, and where that ends.
fn from(path: &Path, offset: u64) -> CliResult<(String, u64)> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            // It may just have been removed for its age.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(offset))?;
        let mut text = Vec::new();
        file.take(CHUNK * 16).read_to_end(&mut text)?;
        Ok(text)
    };
    let mut text = read().map_err(|error| CliError::file("read", path, &error))?;
    let whole = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    text.truncate(whole);
    let end = offset + text.len() as u64;
    Ok((String::from_utf8_lossy(&text).into_owned(), end))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn last_lines_are_found_in_small_and_large_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mesoclaw.2026-01-01.log");
        let all: Vec<String> = (0..20_000).map(|n| format!("line {n}\n")).collect();
        let all = all.concat();
        std::fs::write(&path, &all).unwrap();
        let (text, end) = last_lines(&path, 2).unwrap();
        assert_eq!(text, "line 19998\nline 19999\n");
        assert_eq!(end, all.len() as u64);
        assert_eq!(last_lines(&path, 0).unwrap().0, "");
        assert_eq!(last_lines(&path, 100_000).unwrap().0, all);
    }

    #[test]
    fn only_whole_lines_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mesoclaw.2026-01-01.log");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"one\ntw").unwrap();
        let (text, offset) = from(&path, 0).unwrap();
        assert_eq!((text.as_str(), offset), ("one\n", 4));
        file.write_all(b"o\n").unwrap();
        assert_eq!(from(&path, offset).unwrap(), ("two\n".to_owned(), 8));
        assert_eq!(
            from(&dir.path().join("gone"), 3).unwrap(),
            (String::new(), 3)
        );
    }

    #[test]
    fn newest_log_comes_last_and_other_files_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "mesoclaw.2026-01-02.log",
            "mesoclaw.2026-01-01.log",
            "start.log",
            "x",
        ] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let names: Vec<_> = log_files(dir.path())
            .iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            ["mesoclaw.2026-01-01.log", "mesoclaw.2026-01-02.log"]
        );
        assert_eq!(log_files(&dir.path().join("none")), Vec::<PathBuf>::new());
    }
}
