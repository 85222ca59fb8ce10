//! `mesoclaw daemon install` and `uninstall`: start at login through systemd (Linux) or launchd
//! (macOS). Only a file with our mark in it is ever replaced or removed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mesoclaw_api::{ApiError, ErrorCode};
use mesoclaw_config::Locations;
use serde_json::json;

use crate::connect::{Home, home_variable, runtime, this_program};
use crate::exit::{CliError, CliResult, OK};
use crate::output::{Console, push};
use crate::run::daemon;
use crate::transcript::write_new;

/// What tells our file from somebody else's.
const MARK: &str = "Written by `mesoclaw daemon install`; `mesoclaw daemon uninstall` removes it.";

/// Stands in a unit when lingering was switched on by us, so that it is switched off again.
const LINGER_MARK: &str = "# Lingering was enabled by the installation.";

const UNIT: &str = "mesoclaw.service";
const LABEL: &str = "com.sprklai.mesoclaw";

/// The system's own way to start programs at login.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Service {
    /// A user unit of systemd.
    Systemd { file: PathBuf },
    /// A launch agent of launchd.
    Launchd { file: PathBuf },
}

/// What the service runs.
struct Program {
    exe: String,
    home: Option<String>,
    config: Option<String>,
}

/// Runs `mesoclaw daemon install`.
///
/// # Errors
/// The file cannot be written, or belongs to somebody else.
pub fn install(console: Console, home: &Home) -> CliResult {
    let service = Service::of_process()?;
    let file = service.file();
    check_ours(file)?;
    let program = Program::of(home)?;
    let mut steps = Vec::new();
    let text = match &service {
        Service::Systemd { .. } => {
            let unit = unit(&program);
            // Installing again must not forget what the first installation did.
            let was_enabled = std::fs::read_to_string(file).is_ok_and(|old| has_linger_mark(&old));
            if enable_linger(&mut steps) || was_enabled {
                format!("{LINGER_MARK}\n{unit}")
            } else {
                unit
            }
        }
        Service::Launchd { .. } => plist(&program),
    };
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir).map_err(|error| CliError::file("create", dir, &error))?;
    }
    write_new(file, &text)?;
    steps.insert(0, format!("wrote {}", file.display()));
    if service.is_reachable() {
        // The service could not take the lock while another daemon holds it.
        let stopped =
            runtime()?.block_on(daemon::stop(console, home, "mesoclaw daemon install"))?;
        if let Some(pid) = stopped {
            steps.push(format!("stopped the daemon that ran (pid {pid})"));
        }
        for words in service.start_commands() {
            run_step(&words, &mut steps)?;
        }
    } else {
        steps
            .push("the service manager of this user cannot be reached here; run later:".to_owned());
        let commands = service.start_commands();
        steps.extend(
            commands
                .iter()
                .map(|words| format!("  {}", words.join(" "))),
        );
    }
    steps.push("undo it with: mesoclaw daemon uninstall".to_owned());
    console
        .done(&json!({"file": file, "steps": steps}), &steps.join("\n"))
        .map(|()| OK)
}

/// Runs `mesoclaw daemon uninstall`.
///
/// # Errors
/// The file belongs to somebody else, or cannot be removed.
pub fn uninstall(console: Console) -> CliResult {
    let service = Service::of_process()?;
    let file = service.file();
    check_ours(file)?;
    let Ok(text) = std::fs::read_to_string(file) else {
        return console
            .done(&json!({"file": null, "steps": []}), "it is not installed")
            .map(|()| OK);
    };
    let mut steps = Vec::new();
    if service.is_reachable() {
        for words in service.stop_commands() {
            run_step(&words, &mut steps)?;
        }
    }
    std::fs::remove_file(file).map_err(|error| CliError::file("remove", file, &error))?;
    steps.push(format!("removed {}", file.display()));
    if let (Service::Systemd { .. }, true) = (&service, service.is_reachable()) {
        run_step(
            &words(&["systemctl", "--user", "daemon-reload"]),
            &mut steps,
        )?;
    }
    if has_linger_mark(&text) {
        run_step(&words(&["loginctl", "disable-linger"]), &mut steps)?;
    }
    console
        .done(&json!({"file": file, "steps": steps}), &steps.join("\n"))
        .map(|()| OK)
}

impl Service {
    fn of_process() -> CliResult<Self> {
        let locations = Locations::of_process(home_variable(), None)?;
        let xdg = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        Self::of(std::env::consts::OS, locations.user_home, xdg)
    }

    fn of(system: &str, user_home: Option<PathBuf>, xdg: Option<PathBuf>) -> CliResult<Self> {
        let user_home = user_home.ok_or_else(|| {
            ApiError::new(
                ErrorCode::Config,
                "the home directory of this user is not known",
            )
        })?;
        match system {
            "macos" => Ok(Self::Launchd {
                file: user_home
                    .join("Library/LaunchAgents")
                    .join(format!("{LABEL}.plist")),
            }),
            "linux" => Ok(Self::Systemd {
                file: xdg
                    .filter(|dir| dir.is_absolute())
                    .unwrap_or_else(|| user_home.join(".config"))
                    .join("systemd/user")
                    .join(UNIT),
            }),
            other => Err(CliError::usage_hint(
                format!("there is no installation as a service for {other} yet"),
                "every command starts the daemon when it is needed",
            )),
        }
    }

    fn file(&self) -> &Path {
        match self {
            Self::Systemd { file } | Self::Launchd { file } => file,
        }
    }

    /// Whether the service manager of this user answers.
    fn is_reachable(&self) -> bool {
        match self {
            Self::Systemd { .. } => succeeds(&words(&["systemctl", "--user", "show-environment"])),
            Self::Launchd { .. } => succeeds(&words(&["launchctl", "list"])),
        }
    }

    fn start_commands(&self) -> Vec<Vec<String>> {
        match self {
            Self::Systemd { .. } => vec![
                words(&["systemctl", "--user", "daemon-reload"]),
                words(&["systemctl", "--user", "enable", "--now", UNIT]),
            ],
            Self::Launchd { file } => {
                vec![words(&["launchctl", "load", "-w", &file.to_string_lossy()])]
            }
        }
    }

    fn stop_commands(&self) -> Vec<Vec<String>> {
        match self {
            Self::Systemd { .. } => {
                vec![words(&["systemctl", "--user", "disable", "--now", UNIT])]
            }
            Self::Launchd { file } => {
                vec![words(&[
                    "launchctl",
                    "unload",
                    "-w",
                    &file.to_string_lossy(),
                ])]
            }
        }
    }
}

impl Program {
    fn of(home: &Home) -> CliResult<Self> {
        let exe = this_program()?;
        let text = |path: &Path| {
            path.to_str()
                .map(str::to_owned)
                .ok_or_else(|| CliError::usage(format!("{} is not a UTF-8 path", path.display())))
        };
        Ok(Self {
            exe: text(&exe)?,
            home: home.base.as_deref().map(text).transpose()?,
            config: home.config.as_deref().map(text).transpose()?,
        })
    }

    fn arguments(&self) -> Vec<&str> {
        let mut arguments = vec![self.exe.as_str(), "daemon", "run"];
        if let Some(config) = &self.config {
            arguments.extend(["--config", config]);
        }
        arguments
    }
}

fn unit(program: &Program) -> String {
    let command: Vec<String> = program.arguments().into_iter().map(unit_word).collect();
    let environment = match &program.home {
        Some(home) => format!(
            "Environment={}\n",
            unit_value(&format!("MESOCLAW_HOME={home}"))
        ),
        None => String::new(),
    };
    format!(
        "# {MARK}\n\
         [Unit]\n\
         Description=mesoclaw, a local-first AI agent\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart={}\n\
         {environment}\
         Restart=on-failure\n\
         RestartSec=2\n\
         TimeoutStopSec=10\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        command.join(" ")
    )
}

/// A word of a command line of systemd: `%` and `$` would be replaced there.
fn unit_word(text: &str) -> String {
    unit_value(&text.replace('$', "$$"))
}

/// A quoted value of systemd.
fn unit_value(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    format!("\"{text}\"")
}

fn plist(program: &Program) -> String {
    let mut arguments = String::new();
    for word in program.arguments() {
        let word = xml(word);
        push(
            &mut arguments,
            format_args!("        <string>{word}</string>\n"),
        );
    }
    let environment = program.home.as_ref().map_or_else(String::new, |home| {
        format!(
            "    <key>EnvironmentVariables</key>\n    <dict>\n        <key>MESOCLAW_HOME</key>\n        \
             <string>{}</string>\n    </dict>\n",
            xml(home)
        )
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!-- {MARK} -->\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n    \
         <key>Label</key>\n    <string>{LABEL}</string>\n    \
         <key>ProgramArguments</key>\n    <array>\n{arguments}    </array>\n\
         {environment}    \
         <key>RunAtLoad</key>\n    <true/>\n    \
         <key>KeepAlive</key>\n    <dict>\n        <key>SuccessfulExit</key>\n        <false/>\n    </dict>\n\
         </dict>\n</plist>\n"
    )
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Refuses a file that is not ours, and a link wherever it leads.
fn check_ours(file: &Path) -> CliResult<()> {
    let foreign = |what: &str| {
        CliError::Api(
            ApiError::new(ErrorCode::Conflict, format!("{} {what}", file.display()))
                .with_hint("move it away, then try again"),
        )
    };
    match std::fs::symlink_metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(CliError::file("look at", file, &error)),
        Ok(metadata) if !metadata.is_file() => Err(foreign("is not a regular file")),
        Ok(_) => match std::fs::read_to_string(file) {
            Ok(text) if text.contains(MARK) => Ok(()),
            Ok(_) => Err(foreign("was not written by mesoclaw")),
            Err(error) => Err(CliError::file("read", file, &error)),
        },
    }
}

fn has_linger_mark(unit: &str) -> bool {
    unit.lines().any(|line| line == LINGER_MARK)
}

/// Without lingering, systemd ends user services with the last login and starts none at boot.
fn enable_linger(steps: &mut Vec<String>) -> bool {
    let shown = Command::new("loginctl")
        .args(["show-user", "--property=Linger", "--value"])
        .stdin(Stdio::null())
        .output();
    let is_on = shown.is_ok_and(|output| output.stdout.starts_with(b"yes"));
    if is_on {
        return false;
    }
    let is_enabled = succeeds(&words(&["loginctl", "enable-linger"]));
    steps.push(if is_enabled {
        "enabled lingering, so that it runs without a login (loginctl enable-linger)".to_owned()
    } else {
        "lingering could not be enabled: it runs while you are logged in; \
         `sudo loginctl enable-linger $USER` changes that"
            .to_owned()
    });
    is_enabled
}

fn run_step(words: &[String], steps: &mut Vec<String>) -> CliResult<()> {
    let shown = words.join(" ");
    if succeeds(words) {
        steps.push(format!("ran {shown}"));
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::Io, format!("`{shown}` failed"))
        .with_hint(format!("done so far: {}", steps.join("; ")))
        .into())
}

fn succeeds(words: &[String]) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests;
