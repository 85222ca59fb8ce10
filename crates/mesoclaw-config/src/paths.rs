//! Where everything is: config file, data, logs, runtime files, socket.
//!
//! Nothing is created except by [`Paths::create_directories`], and whether a directory that is
//! already there may be trusted is for its user to check.

use std::path::{Component, Path, PathBuf};

use directories::{BaseDirs, ProjectDirs};

use crate::config::Config;
use crate::error::ConfigError;
use crate::platform;
use crate::write::create_directory;

/// What the system and the command line say about places, before the configuration is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locations {
    /// The directory that holds everything (`MESOCLAW_HOME`), absolute; `None` for the usual places.
    pub home: Option<PathBuf>,
    /// The config file, absolute.
    pub config_file: PathBuf,
    /// The data directory when the configuration names none, absolute.
    pub default_data_dir: PathBuf,
    /// The runtime directory of the login session (`XDG_RUNTIME_DIR`); `None` where there is none, or
    /// where it does not belong to this user.
    pub session_runtime_dir: Option<PathBuf>,
    /// The home directory of the user, for `~/`; `None` when it is not known.
    pub user_home: Option<PathBuf>,
    /// The number of the user; 0 on Windows.
    pub user_id: u32,
}

/// Every place of one installation; all paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The config file; it need not exist.
    pub config_file: PathBuf,
    /// The directory of the config file.
    pub config_dir: PathBuf,
    /// What mesoclaw keeps.
    pub data_dir: PathBuf,
    /// The database.
    pub db_path: PathBuf,
    /// Installed models.
    pub models_dir: PathBuf,
    /// Log files: `logs` in the data directory.
    pub log_dir: PathBuf,
    /// Files that live as long as the daemon.
    pub runtime_dir: PathBuf,
    /// The lock that keeps a second daemon off the same data: `daemon.lock` in the data directory.
    pub lock_file: PathBuf,
    /// The socket of the daemon, at most 100 bytes long; on Windows the name of a pipe.
    ///
    /// Its directory is usually `runtime_dir`, and another one when that would be too long.
    pub socket_endpoint: PathBuf,
}

impl Locations {
    /// The places of this process: `home` is `MESOCLAW_HOME`, `config_file` is `--config`.
    ///
    /// Both may be relative to the current directory; an empty `home` counts as none. Without
    /// `home` the system's directories for applications are taken.
    ///
    /// # Errors
    /// The home directory or a needed current directory is not known.
    pub fn of_process(
        home: Option<PathBuf>,
        config_file: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let home = home
            .filter(|home| !home.as_os_str().is_empty())
            .map(absolute)
            .transpose()?;
        let (config_dir, default_data_dir) = match &home {
            Some(home) => (home.clone(), home.join("data")),
            None => ProjectDirs::from("com", "sprklai", "mesoclaw")
                .map(|dirs| (dirs.config_dir().to_owned(), dirs.data_dir().to_owned()))
                .ok_or(ConfigError::NoHomeDirectory)?,
        };
        let base = BaseDirs::new();
        Ok(Self {
            home,
            config_file: match config_file {
                Some(path) => absolute(path)?,
                None => config_dir.join("config.toml"),
            },
            default_data_dir,
            session_runtime_dir: base
                .as_ref()
                .and_then(|dirs| dirs.runtime_dir().map(Path::to_owned))
                // After `su` the variable still names the directory of somebody else.
                .filter(|dir| platform::is_own_directory(dir)),
            user_home: base.map(|dirs| dirs.home_dir().to_owned()),
            user_id: platform::user_id(),
        })
    }
}

impl Paths {
    /// The places with what the configuration says about them.
    ///
    /// A relative path in the configuration starts at the directory of the config file.
    ///
    /// # Errors
    /// A path starts with `~` and that home directory is not known.
    pub fn resolve(locations: &Locations, config: &Config) -> Result<Self, ConfigError> {
        let config_dir = locations
            .config_file
            .parent()
            .map(Path::to_owned)
            .unwrap_or_default();
        let user_home = locations.user_home.as_deref();
        let place = |key, value: &Option<PathBuf>, default: PathBuf| match value {
            Some(path) => {
                expand(path, &config_dir, user_home).ok_or_else(|| ConfigError::ExpandHome {
                    key,
                    path: path.clone(),
                })
            }
            None => Ok(default),
        };
        let default_data_dir = locations.default_data_dir.clone();
        let data_dir = place("data_dir", &config.data_dir, default_data_dir)?;
        let runtime_dir = runtime_dir(locations, &data_dir);
        Ok(Self {
            db_path: place("db_path", &config.db_path, data_dir.join("mesoclaw.db"))?,
            models_dir: place("models_dir", &config.models_dir, data_dir.join("models"))?,
            log_dir: data_dir.join("logs"),
            lock_file: data_dir.join("daemon.lock"),
            socket_endpoint: platform::socket_endpoint(&runtime_dir, locations),
            config_file: locations.config_file.clone(),
            config_dir,
            data_dir,
            runtime_dir,
        })
    }

    /// Creates the data, model, log and runtime directories, open to the owner alone.
    ///
    /// The directory of a socket with a shortened name is left to who opens the socket.
    ///
    /// # Errors
    /// A directory cannot be created.
    pub fn create_directories(&self) -> Result<(), ConfigError> {
        for path in [
            &self.data_dir,
            &self.models_dir,
            &self.log_dir,
            &self.runtime_dir,
        ] {
            create_directory(path)?;
        }
        self.db_path.parent().map_or(Ok(()), create_directory)
    }
}

impl Config {
    /// The places of `tool_readable_paths`, absolute, links not resolved. `config_dir` is that of
    /// [`Paths`], `user_home` that of [`Locations`]. A place in a home directory that is not known
    /// is left out.
    pub fn readable_paths(&self, config_dir: &Path, user_home: Option<&Path>) -> Vec<PathBuf> {
        self.tool_readable_paths
            .iter()
            .filter_map(|path| expand(path, config_dir, user_home))
            .collect()
    }
}

/// A 64-bit FNV-1a hash, for names that must be the same in every process and version.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn runtime_dir(locations: &Locations, data_dir: &Path) -> PathBuf {
    match (&locations.home, &locations.session_runtime_dir) {
        (Some(home), _) => home.join("run"),
        (None, Some(session)) if data_dir == locations.default_data_dir => session.join("mesoclaw"),
        // Other data means another daemon, and two daemons cannot share a socket.
        (None, Some(session)) => {
            let hash = fnv1a(data_dir.as_os_str().as_encoded_bytes());
            session.join(format!("mesoclaw-{hash:016x}"))
        }
        (None, None) => data_dir.join("run"),
    }
}

/// `None` when the path starts with `~` and that home directory is not known.
fn expand(path: &Path, config_dir: &Path, user_home: Option<&Path>) -> Option<PathBuf> {
    if let Ok(rest) = path.strip_prefix("~") {
        return user_home.map(|home| tidied(&home.join(rest)));
    }
    let is_of_other = path.as_os_str().as_encoded_bytes().starts_with(b"~");
    (!is_of_other).then(|| tidied(&config_dir.join(path)))
}

fn absolute(path: PathBuf) -> Result<PathBuf, ConfigError> {
    if path.is_absolute() {
        return Ok(tidied(&path));
    }
    let current =
        std::env::current_dir().map_err(|source| ConfigError::CurrentDirectory { source })?;
    Ok(tidied(&current.join(path)))
}

/// One spelling for one path, since the socket's name may be a hash of it. `..` stays: without
/// looking at the disk nobody knows where it leads.
fn tidied(path: &Path) -> PathBuf {
    path.components()
        .filter(|component| !matches!(component, Component::CurDir))
        .collect()
}

#[cfg(test)]
mod tests;
