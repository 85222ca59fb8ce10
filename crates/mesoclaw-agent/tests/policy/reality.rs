//! What really runs is a subset of what the policy judged: the same commands in many spellings,
//! under real shells, with stand-ins for programs that only write down how they were called.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::imagined_disk::{decided, shell};
use mesoclaw_agent::policy::{Autonomy, escaped};

const STANDINS: [&str; 9] = [
    "ls", "cat", "rm", "git", "cargo", "grep", "head", "touch", "curl",
];
const REAL: [&str; 8] = [
    "env", "nice", "timeout", "nohup", "sh", "bash", "stdbuf", "xargs",
];
const CASES: usize = 8000;
const TIME: Duration = Duration::from_secs(8);

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

/// A word, spelled in one of many ways that mean the same, or nearly.
fn spelled(dice: &mut Dice, word: &str) -> String {
    let middle = word.len() / 2;
    let (start, end) = word.split_at(middle);
    match dice.roll(80) {
        0 | 11..=16 => format!("'{word}'"),
        1 | 17..=21 => format!("\"{word}\""),
        2 | 22..=25 => format!("{start}''{end}"),
        3 | 26..=29 => format!("{start}\\{end}"),
        4 | 30..=33 => format!("'{start}'\"{end}\""),
        5 => format!("{start}\\\n{end}"),
        6 => format!("$'{word}'"),
        7 => format!("$(echo {word})"),
        8 => format!("`echo {word}`"),
        9 => format!("{start}${{none}}{end}"),
        10 => format!("{{{word},}}"),
        _ => word.to_owned(),
    }
}

fn simple(dice: &mut Dice) -> String {
    let words: &[&str] = match dice.roll(8) {
        0 => &["rm", "-rf", "x"],
        1 => &["ls", "-la"],
        2 => &["git", "push"],
        3 => &["cat", "a.txt", "b c"],
        4 => &["cargo", "test", "--", "-q"],
        5 => &["grep", "-n", "fn", "a.txt"],
        6 => &["touch", "out"],
        _ => &["curl", "example.org"],
    };
    words
        .iter()
        .map(|word| {
            if word.contains(' ') {
                format!("'{word}'")
            } else {
                spelled(dice, word)
            }
        })
        .collect::<Vec<_>>()
        .join(dice.pick(&[" ", "  ", "\t", " \\\n "]))
}

fn command(dice: &mut Dice, depth: usize) -> String {
    let plain = simple(dice);
    if depth > 3 {
        return plain;
    }
    match dice.roll(30) {
        0 => format!("env {}", command(dice, depth + 1)),
        1 => format!("env RUST_LOG=x {plain}"),
        2 => format!("nice -n 1 {}", command(dice, depth + 1)),
        3 => format!("timeout 5 {}", command(dice, depth + 1)),
        4 => format!("command {plain}"),
        5 => format!("exec {plain}"),
        6 => format!("time {plain}"),
        7 => format!("! {plain}"),
        8 => format!(
            "sh -c '{}'",
            command(dice, depth + 1).replace('\'', "'\\''")
        ),
        9 => format!(
            "bash -c \"{}\"",
            command(dice, depth + 1).replace(['"', '\\', '$', '`'], "")
        ),
        10 => format!("eval {plain}"),
        11 => format!("{{ {}; }}", line(dice, depth + 1)),
        12 => format!("( {} )", line(dice, depth + 1)),
        13 => format!(
            "if {plain}; then {}; else {}; fi",
            simple(dice),
            simple(dice)
        ),
        14 => format!("while ! {plain}; do {}; done", simple(dice)),
        15 => format!("f() {{ {plain}; }}; f"),
        16 => format!(
            "{plain} > {}",
            dice.pick(&["o1", "'o2'", "o\\3", "o4 2>&1"])
        ),
        17 => format!("{plain} >> o5 < a.txt"),
        18 => format!("{plain} &> o6"),
        19 => format!("cat <<EOF\n{plain}\nEOF\n{}", simple(dice)),
        20 => format!("cat <<'EOF' | head\n$({plain})\nEOF"),
        21 => format!("{plain} # {}", simple(dice)),
        22 => format!("RUST_LOG=1 {plain}"),
        23 => format!("echo '{}' | sh", plain.replace('\'', "")),
        24 => format!("echo a b | xargs {plain}"),
        25 => format!("alias ls='rm x'; {plain}"),
        _ => plain,
    }
}

fn line(dice: &mut Dice, depth: usize) -> String {
    let mut text = command(dice, depth);
    for _ in 0..dice.roll(3) {
        let separator = dice.pick(&[
            "; ", " && ", " || ", " | ", " & ", "\n", " \n ", "\r\n", "&&", ";",
        ]);
        text = format!("{text}{separator}{}", command(dice, depth + 1));
    }
    text
}

/// A line with a few characters put in, taken out or doubled.
fn damaged(dice: &mut Dice, line: &str) -> String {
    let mut chars: Vec<char> = line.chars().collect();
    for _ in 0..=dice.roll(2) {
        let at = dice.roll(chars.len() + 1);
        match dice.roll(3) {
            0 if at < chars.len() => {
                chars.remove(at);
            }
            _ => {
                let marks: Vec<char> = "'\"\\$`(){};&|<>#!~ \n\t=-".chars().collect();
                chars.insert(at, marks[dice.roll(marks.len())]);
            }
        }
    }
    chars.into_iter().collect()
}

/// A directory of stand-ins and of the few programs that are what they are.
fn programs(directory: &Path) {
    // One write for each record: several of them may run at once.
    let script = "#!/bin/sh\nr=${0##*/}\nfor a; do r=\"$r\u{1f}$a\"; done\nprintf '%s\\036' \"$r\" >>\"$STANDIN_LOG\"\n";
    for name in STANDINS {
        let path = directory.join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    for name in REAL {
        for from in ["/usr/bin", "/bin"] {
            let from = Path::new(from).join(name);
            if from.exists() {
                std::os::unix::fs::symlink(from, directory.join(name)).ok();
            }
        }
    }
}

/// What ran, as words, and which files appeared.
fn run(
    shell: &str,
    line: &str,
    path: &Path,
    place: &Path,
) -> (BTreeSet<Vec<String>>, BTreeSet<String>) {
    let work = place.join("work");
    let log = place.join("log");
    fs::remove_dir_all(&work).ok();
    fs::remove_file(&log).ok();
    fs::create_dir(&work).unwrap();
    fs::write(work.join("a.txt"), "a\n").unwrap();
    Command::new("/usr/bin/timeout")
        .args(["-k", "1", "2", shell, "-c", "--", line])
        .current_dir(&work)
        .env_clear()
        .env("PATH", path)
        .env("STANDIN_LOG", &log)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let log = fs::read_to_string(&log).unwrap_or_default();
    let ran = log
        .split('\u{1e}')
        .filter(|record| !record.is_empty())
        .map(|record| record.split('\u{1f}').map(str::to_owned).collect())
        .collect();
    let files = fs::read_dir(&work)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "a.txt")
        .collect();
    (ran, files)
}

/// Compares one line; `None` when the policy does not claim to understand it.
fn compare(
    shell_program: &str,
    text: &str,
    path: &Path,
    place: &Path,
) -> Option<Result<(), String>> {
    let decision = decided(&shell(text), Autonomy::Autonomous, None, &[]);
    // Interpreters, wrappers that are not known and open ends ask because of what they may start.
    let claims = decision.steps.iter().all(|step| {
        !step.rule.starts_with("shell.unclear")
            && !matches!(
                step.rule,
                "shell.disagree"
                    | "shell.hidden"
                    | "shell.assignment"
                    | "shell.too-deep"
                    | "program.interpreter"
                    | "program.option"
                    | "program.unknown"
                    | "program.open-ended"
                    | "program.forbidden"
            )
    });
    if !claims {
        return None;
    }
    let judged: BTreeSet<Vec<String>> = decision
        .steps
        .iter()
        .map(|step| step.words.clone())
        .collect();
    let (ran, files) = run(shell_program, text, path, place);
    let unjudged: Vec<_> = ran.difference(&judged).collect();
    let surprise = files.iter().find(|file| {
        !judged
            .iter()
            .any(|words| words.len() == 2 && words[0].contains('>') && words[1] == **file)
    });
    if unjudged.is_empty() && surprise.is_none() {
        return Some(Ok(()));
    }
    Some(Err(format!(
        "{shell_program}: {}\n ran unjudged: {unjudged:?}\n files: {surprise:?}\n judged: {judged:?}",
        escaped(text)
    )))
}

#[test]
fn what_really_runs_was_judged() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("bin");
    fs::create_dir(&path).unwrap();
    programs(&path);
    let shells: Vec<&str> = ["/bin/bash", "/bin/dash", "/bin/sh"]
        .into_iter()
        .filter(|shell| Path::new(shell).exists())
        .take(2)
        .collect();
    let started = Instant::now();
    let mut dice = Dice(0x5eed_1234_abcd_0001);
    let (mut understood, mut ran_some) = (0, 0);
    let mut wrong = Vec::new();
    for nth in 0..CASES {
        if started.elapsed() > TIME {
            break;
        }
        let mut text = line(&mut dice, 0);
        if nth % 4 == 0 {
            text = damaged(&mut dice, &text);
        }
        ran_some += 1;
        let compared = compare(shells[nth % shells.len()], &text, &path, place.path());
        understood += usize::from(compared.is_some());
        if let Some(Err(problem)) = compared {
            wrong.push(problem);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        understood * 5 > ran_some,
        "{understood} of {ran_some} were understood"
    );
    println!(
        "{understood} of {ran_some} lines compared in {:?}",
        started.elapsed()
    );
}
