//! The way to the daemon: where it is, how to reach it, how to start it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use mesoclaw_api::ops::daemon::Hello;
use mesoclaw_api::ops::events::{Delivery, SubscribeParams};
use mesoclaw_api::{ApiError, ErrorCode, EventFilter, Surface};
use mesoclaw_config::{Config, Locations, Paths, Sources};
use mesoclaw_ipc::client::{Client, ClientOptions, Events};
use mesoclaw_ipc::endpoint::Endpoint;
use mesoclaw_ipc::lock::{self, LockInfo};
use mesoclaw_ipc::{IpcError, StartPlan, connect_or_start};

use crate::exit::{CliError, CliResult};
use crate::output::Console;

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a daemon says before its own log is open.
pub const START_LOG: &str = "start.log";

/// How long a started daemon may take until it listens.
const START_PATIENCE: Duration = Duration::from_secs(15);

/// The installation this command works on.
#[derive(Clone, Debug)]
pub struct Home {
    /// `MESOCLAW_HOME`, when it is set.
    pub base: Option<PathBuf>,
    /// `--config`, when it was given.
    pub config: Option<PathBuf>,
    /// Where everything is.
    pub paths: Paths,
}

/// A connection to the daemon with its events.
pub struct Link {
    /// Calls operations.
    pub client: Client,
    /// What happens; `None` when nobody looks at events.
    events: Option<Events>,
    /// Who answers.
    pub hello: Hello,
}

impl Link {
    fn new(client: Client, hello: Hello) -> Self {
        Self {
            events: client.take_events(),
            client,
            hello,
        }
    }

    /// The next event; `None` when the connection ended.
    ///
    /// # Cancellation
    /// Cancel safe.
    pub async fn next(&mut self) -> Option<Delivery> {
        match &mut self.events {
            Some(events) => events.next().await,
            None => None,
        }
    }
}

/// The program file of this process. After an upgrade under a running process the system names the
/// old file, marked as deleted: the new one stands at the same place.
///
/// # Errors
/// The system does not tell.
pub fn this_program() -> CliResult<PathBuf> {
    let program = std::env::current_exe().map_err(|error| {
        CliError::Api(ApiError::new(
            ErrorCode::Io,
            format!("could not find out where this program is: {error}"),
        ))
    })?;
    Ok(without_deleted_mark(program))
}

fn without_deleted_mark(program: PathBuf) -> PathBuf {
    let replaced = program
        .to_str()
        .and_then(|text| text.strip_suffix(" (deleted)"))
        .map(PathBuf::from);
    match replaced {
        Some(replaced) if !program.exists() && replaced.exists() => replaced,
        Some(_) | None => program,
    }
}

/// `MESOCLAW_HOME`, when it is set to something.
pub fn home_variable() -> Option<PathBuf> {
    std::env::var_os("MESOCLAW_HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
}

impl Home {
    /// Finds the installation.
    ///
    /// # Errors
    /// The configuration cannot be read.
    pub fn find(config: Option<PathBuf>) -> CliResult<Self> {
        let locations = Locations::of_process(home_variable(), config.clone())?;
        let sources = Sources::new(
            locations.config_file.clone(),
            mesoclaw_config::process_environment()?,
            [],
        );
        let snapshot = mesoclaw_config::load(&sources)?;
        Self::at(locations, config, &snapshot.config)
    }

    /// Finds the installation; when its configuration cannot be read, the one whose daemon runs
    /// where it would without any configuration, with a note.
    ///
    /// # Errors
    /// The configuration cannot be read, and no daemon runs there.
    pub fn find_running(console: Console, config: Option<PathBuf>) -> CliResult<Self> {
        let error = match Self::find(config.clone()) {
            Ok(home) => return Ok(home),
            Err(error) => error,
        };
        let locations = Locations::of_process(home_variable(), config.clone())?;
        let home = Self::at(locations, config, &Config::default())?;
        if home.holder().is_none() {
            return Err(error);
        }
        console.note(&error.to_string());
        Ok(home)
    }

    fn at(locations: Locations, config: Option<PathBuf>, values: &Config) -> CliResult<Self> {
        Ok(Self {
            paths: Paths::resolve(&locations, values)?,
            // Absolute from here on: the daemon has another current directory.
            config: config.map(|_| locations.config_file.clone()),
            base: locations.home,
        })
    }

    /// The daemon that holds the lock; `None` when none runs.
    pub fn holder(&self) -> Option<LockInfo> {
        lock::holder(&self.paths.lock_file)
    }

    /// Where the running daemon says it listens, else where it would.
    pub fn endpoint(&self) -> Endpoint {
        let socket = self.holder().map(|info| info.socket);
        Endpoint::new(socket.unwrap_or_else(|| self.paths.socket_endpoint.clone()))
    }

    /// Connects to a daemon that runs.
    ///
    /// # Errors
    /// No daemon runs, or it does not answer.
    pub async fn connect(
        &self,
        surface: Surface,
        subscribe: Option<SubscribeParams>,
    ) -> Result<Link, IpcError> {
        let options = client_options(surface, subscribe);
        let (client, hello) = Client::connect(&self.endpoint(), options).await?;
        Ok(Link::new(client, hello))
    }

    /// Connects to the daemon and starts it when none runs; says whether it was started.
    ///
    /// # Errors
    /// It cannot be started or does not answer.
    pub async fn connect_or_start(
        &self,
        surface: Surface,
        subscribe: Option<SubscribeParams>,
    ) -> CliResult<(Link, bool)> {
        let plan = self.start_plan()?;
        let options = client_options(surface, subscribe);
        let (client, hello, was_started) = connect_or_start(&plan, options).await?;
        Ok((Link::new(client, hello), was_started))
    }

    /// [`Home::connect_or_start`] for a command that reads no events, with the notes that belong
    /// to it.
    ///
    /// # Errors
    /// It cannot be started or does not answer.
    pub async fn client(&self, console: Console) -> CliResult<Client> {
        let (link, was_started) = self.connect_or_start(Surface::Cli, None).await?;
        if was_started {
            console.progress(&format!("started the daemon (pid {})", link.hello.pid));
        }
        note_skew(console, &link.hello);
        Ok(link.client)
    }

    fn start_plan(&self) -> CliResult<StartPlan> {
        let program = this_program()?;
        let mut args = vec!["daemon".into(), "run".into(), "--detached".into()];
        if let Some(config) = &self.config {
            args.push("--config".into());
            args.push(config.into());
        }
        // The daemon makes its directories itself, but its first words need a place before.
        if !self.paths.log_dir.is_dir() {
            self.paths.create_directories()?;
        }
        let base = self.base.as_ref();
        Ok(StartPlan {
            endpoint: Endpoint::new(self.paths.socket_endpoint.clone()),
            lock_file: self.paths.lock_file.clone(),
            program,
            args,
            env: base
                .map(|base| ("MESOCLAW_HOME".into(), base.into()))
                .into_iter()
                .collect(),
            // Keys of this shell are lent after consent, and not to everybody for as long as the
            // daemon lives.
            withheld_env: mesoclaw_daemon::key_variables()
                .into_iter()
                .map(OsString::from)
                .collect(),
            log_file: Some(self.paths.log_dir.join(START_LOG)),
            timeout: START_PATIENCE,
        })
    }
}

/// The runtime of a client: one thread, since it only waits for one connection.
///
/// # Errors
/// The system refuses what a runtime needs.
pub fn runtime() -> CliResult<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            ApiError::new(ErrorCode::Io, format!("could not start a runtime: {error}")).into()
        })
}

/// A subscription to everything, or to one session.
pub fn everything() -> SubscribeParams {
    SubscribeParams {
        filter: EventFilter::default(),
        since: None,
    }
}

/// Says on stderr when client and daemon are of different versions.
pub fn note_skew(console: Console, hello: &Hello) {
    if let Some(text) = skew(VERSION, &hello.version) {
        console.note(&text);
    }
}

/// What to say when client and daemon are of different versions.
fn skew(mine: &str, theirs: &str) -> Option<String> {
    if mine == theirs {
        return None;
    }
    let advice = if parts(mine) >= parts(theirs) {
        "`mesoclaw daemon restart` brings it up to date"
    } else {
        "this program is the older one: update it"
    };
    Some(format!(
        "the daemon has version {theirs}, this program {mine}; {advice}"
    ))
}

/// Whether this program is newer than the daemon.
pub fn is_newer(hello: &Hello) -> bool {
    parts(VERSION) > parts(&hello.version)
}

/// Major, minor, patch; a part that is no number counts as 0.
fn parts(version: &str) -> Vec<u64> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    core.split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

fn client_options(surface: Surface, subscribe: Option<SubscribeParams>) -> ClientOptions {
    ClientOptions {
        client: "mesoclaw".to_owned(),
        version: VERSION.to_owned(),
        surface,
        subscribe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_program_is_found_at_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("mesoclaw");
        let marked = folder.path().join("mesoclaw (deleted)");
        assert_eq!(without_deleted_mark(marked.clone()), marked);
        std::fs::write(&program, "").unwrap();
        assert_eq!(without_deleted_mark(marked.clone()), program);
        std::fs::write(&marked, "").unwrap();
        assert_eq!(without_deleted_mark(marked.clone()), marked);
    }

    #[test]
    fn versions_are_compared_by_number() {
        let check = |mine, theirs, expected: Option<&str>| {
            let text = skew(mine, theirs);
            match expected {
                Some(part) => assert!(
                    text.is_some_and(|text| text.contains(part)),
                    "{mine} {theirs}"
                ),
                None => assert_eq!(text, None),
            }
        };
        check("0.1.0", "0.1.0", None);
        check("0.10.0", "0.9.9", Some("daemon restart"));
        check("0.9.9", "0.10.0", Some("update it"));
        check("1.0.0-rc.1", "1.0.0", Some("daemon restart"));
    }
}
