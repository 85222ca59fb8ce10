//! Looks at files, rights, lock, socket, database and model of this machine and says what to do.
//!
//! Works with and without a running daemon; changes nothing.

mod safety;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mesoclaw_agent::model_files::ModelFiles;
use mesoclaw_api::error::chain;
use mesoclaw_config::{Config, Paths};
use mesoclaw_core::Redactor;
use mesoclaw_ipc::lock;
use serde::Serialize;

use crate::platform;
use crate::run::{Setting, key_store};
use crate::wire;

/// Which installation to look at.
#[derive(Clone, Default, Debug)]
pub struct DoctorOptions {
    /// As in [`crate::RunOptions`].
    pub home: Option<PathBuf>,
    /// As in [`crate::RunOptions`].
    pub config: Option<PathBuf>,
}

/// How a check went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing to do.
    Ok,
    /// Works, but somebody should know.
    Warning,
    /// Does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Check {
    /// What.
    pub name: String,
    /// How it went.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Check {
    /// A check without anything to do.
    pub fn new(name: &str, status: Status, detail: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            status,
            detail: detail.into(),
            fix: None,
        }
    }

    /// The same check with what to do.
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// Looks at everything that can be seen without a daemon. Blocks for as long as reading the
/// database takes.
pub fn run(options: &DoctorOptions) -> Vec<Check> {
    let setting = match Setting::load(
        options.home.clone(),
        options.config.clone(),
        BTreeMap::new(),
    ) {
        Ok(setting) => setting,
        Err(error) => {
            return vec![
                Check::new("configuration", Status::Problem, chain(&error))
                    .with_fix("correct the file or the variable it names; docs/configuration.md explains every key"),
            ];
        }
    };
    let paths = &setting.paths;
    let mut checks = vec![configuration(&setting)];
    checks.push(folder("data folder", &paths.data_dir));
    checks.push(folder("log folder", &paths.log_dir));
    checks.push(folder("runtime folder", &paths.runtime_dir));
    checks.push(private("configuration file", &paths.config_file));
    checks.push(private("database file", &paths.db_path));
    checks.push(lock_and_socket(paths));
    checks.push(database(&paths.db_path));
    checks.extend(model(paths, &setting.snapshot.config));
    checks.push(keys(&setting));
    let config = &setting.snapshot.config;
    checks.extend(safety::checks(
        &config.security_autonomy_level,
        &config.security_sandbox,
    ));
    checks
}

/// Where secrets are kept: a throw-away entry is written, read and deleted.
fn keys(setting: &Setting) -> Check {
    let name = "key store";
    let status = key_store(setting, Redactor::new()).status();
    let place = status.backend;
    match &status.problem {
        None => Check::new(
            name,
            Status::Ok,
            format!("{place} works. {}", status.notice()),
        ),
        // A file that waits for its passphrase is as it should be.
        Some(error) => {
            let detail = format!("{place} does not work: {}", chain(error));
            let check = Check::new(name, Status::Warning, detail);
            match error.hint() {
                Some(hint) => check.with_fix(hint),
                None => check,
            }
        }
    }
}

fn configuration(setting: &Setting) -> Check {
    let name = "configuration";
    let warnings = &setting.snapshot.warnings;
    if warnings.is_empty() {
        let detail = format!(
            "{} is read without complaint",
            setting.paths.config_file.display()
        );
        return Check::new(name, Status::Ok, detail);
    }
    let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    Check::new(name, Status::Warning, texts.join("; "))
        .with_fix("`mesoclaw config unset KEY` removes a key; `mesoclaw config show` lists all")
}

fn folder(name: &str, path: &Path) -> Check {
    let shown = path.display();
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let detail = format!("{shown} does not exist yet; the daemon makes it");
            return Check::new(name, Status::Ok, detail);
        }
        Err(error) => {
            return Check::new(name, Status::Problem, format!("{shown}: {error}"))
                .with_fix("make the path accessible for your user");
        }
    };
    if !path.is_dir() {
        return Check::new(name, Status::Problem, format!("{shown} is not a folder"))
            .with_fix("move it away");
    }
    rights(name, path, &metadata, 0o700)
}

fn private(name: &str, path: &Path) -> Check {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => rights(name, path, &metadata, 0o600),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let detail = format!("{} does not exist yet", path.display());
            Check::new(name, Status::Ok, detail)
        }
        Err(error) => Check::new(
            name,
            Status::Problem,
            format!("{}: {error}", path.display()),
        )
        .with_fix("make the path accessible for your user"),
    }
}

fn rights(name: &str, path: &Path, metadata: &std::fs::Metadata, wanted: u32) -> Check {
    let shown = path.display();
    match platform::rights_of(metadata) {
        None => Check::new(name, Status::Ok, format!("{shown}")),
        Some(rights) if !rights.is_ours => Check::new(
            name,
            Status::Problem,
            format!("{shown} belongs to another user"),
        )
        .with_fix("use your own folder: MESOCLAW_HOME or data_dir"),
        Some(rights) if rights.mode & 0o077 != 0 => Check::new(
            name,
            Status::Warning,
            format!("{shown} can be opened by others (mode {:o})", rights.mode),
        )
        .with_fix(format!("chmod {wanted:o} '{shown}'")),
        Some(rights) => Check::new(
            name,
            Status::Ok,
            format!("{shown} (mode {:o})", rights.mode),
        ),
    }
}

fn lock_and_socket(paths: &Paths) -> Check {
    let name = "daemon lock";
    match lock::holder(&paths.lock_file) {
        Some(info) => Check::new(
            name,
            Status::Ok,
            format!(
                "held by process {} (version {}), socket {}",
                info.pid,
                info.version,
                info.socket.display()
            ),
        ),
        None if std::fs::symlink_metadata(&paths.socket_endpoint).is_ok() => Check::new(
            name,
            Status::Warning,
            format!(
                "no daemon runs, but {} is there",
                paths.socket_endpoint.display()
            ),
        )
        .with_fix(
            "the next daemon removes it if it is a stale socket of yours; anything else move away",
        ),
        None => Check::new(
            name,
            Status::Ok,
            "no daemon runs; the next client starts one",
        ),
    }
}

fn database(path: &Path) -> Check {
    let name = "database";
    if std::fs::symlink_metadata(path).is_err() {
        return Check::new(name, Status::Ok, "there is none yet; the daemon makes it");
    }
    match mesoclaw_core::inspect_database(path) {
        Ok(found) if found.schema_version > found.supported_version => Check::new(
            name,
            Status::Problem,
            format!(
                "its schema is version {}, this program knows up to {}",
                found.schema_version, found.supported_version
            ),
        )
        .with_fix("install the newer mesoclaw again, or set db_path to another file"),
        Ok(found) if found.problems.is_empty() => Check::new(
            name,
            Status::Ok,
            format!(
                "{} is sound: {} sessions, {} bytes",
                path.display(),
                found.sessions.unwrap_or(0),
                found.size_bytes
            ),
        ),
        Ok(found) => Check::new(name, Status::Problem, found.problems.join("; ")).with_fix(
            "stop the daemon, copy the file, and recover it with `sqlite3 FILE .recover`",
        ),
        Err(error) => Check::new(name, Status::Problem, chain(&error))
            .with_fix("set db_path to another file, or move this one away"),
    }
}

fn model(paths: &Paths, config: &Config) -> Vec<Check> {
    let name = "model";
    let engine = wire::engine(paths, config).parts();
    let engine_check = Check::new(
        "embedded engine",
        Status::Ok,
        if engine.is_some() {
            "part of this program"
        } else {
            "not part of this build"
        },
    );
    let check = match (&config.provider_name, &config.provider_model_id) {
        (Some(provider), Some(model)) if provider == "local" => match &engine {
            Some(parts) => installed(parts.files.as_ref(), model),
            None => Check::new(
                name,
                Status::Problem,
                "the default model is embedded, but this build has no engine",
            )
            .with_fix("`mesoclaw provider default ID MODEL`"),
        },
        (Some(provider), Some(model)) => Check::new(
            name,
            Status::Ok,
            format!("default is {provider}:{model}; `mesoclaw provider test {provider}` asks it"),
        ),
        _ => Check::new(name, Status::Problem, "no model is set up").with_fix(
            "`mesoclaw setup --local`, or `mesoclaw provider add` and `mesoclaw provider default`",
        ),
    };
    vec![engine_check, check]
}

fn installed(files: &dyn ModelFiles, model: &str) -> Check {
    let name = "model";
    let info = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| {
            runtime
                .block_on(files.info(model))
                .map_err(|error| error.to_string())
        });
    match info {
        Ok(file) if file.is_installed => Check::new(
            name,
            Status::Ok,
            format!(
                "default is local:{model}, {}",
                file.path.unwrap_or_default()
            ),
        ),
        Ok(_) => Check::new(
            name,
            Status::Problem,
            format!("local:{model} is not installed"),
        )
        .with_fix(format!("`mesoclaw model pull {model}`")),
        Err(error) => Check::new(name, Status::Problem, error).with_fix("`mesoclaw model list`"),
    }
}
