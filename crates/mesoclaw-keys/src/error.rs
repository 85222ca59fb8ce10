//! What can go wrong with keys. No variant ever carries a value.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::file::ProtectionKind;
use crate::name::KeyName;
use crate::status::Backend;

const CHOOSE_FILE: &str = "unlock the keyring of this session, or keep keys in an encrypted file: \
     `mesoclaw key store file --passphrase`, or `mesoclaw key store file` without a passphrase";
const UNLOCK: &str = "run `mesoclaw key unlock`";

/// An action on stored keys that failed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The operating system's keyring did not do it.
    #[error("cannot {action} in the operating system's keyring")]
    UseKeyring {
        /// What was wanted.
        action: &'static str,
        /// What it said.
        #[source]
        source: KeyringFailure,
    },
    /// The encrypted file needs its passphrase first.
    #[error("the encrypted key file is locked")]
    Locked,
    /// The passphrase is not the one of the file.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The change needs the passphrase that is in force.
    #[error("the passphrase in force is needed to change how the key file is locked")]
    PassphraseMissing,
    /// The new passphrase is too short.
    #[error("a passphrase has at least {min_chars} characters")]
    PassphraseTooShort {
        /// How many it must have.
        min_chars: usize,
    },
    /// The encrypted file is in use but not there.
    #[error("the encrypted key file {} does not exist", path.display())]
    FindKeysFile {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file that opens the encrypted file is not there.
    #[error("{} does not exist, and without it the stored keys cannot be read", path.display())]
    FindKeyFile {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file that opens the encrypted file holds something else, or belongs to another one.
    #[error("{} does not open the stored keys", path.display())]
    OpenWithKeyFile {
        /// Which file.
        path: PathBuf,
    },
    /// The encrypted file is not what was written. It is left as it is.
    #[error("the encrypted key file {} is damaged: {problem}", path.display())]
    DecodeKeysFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The encrypted file was written by a later version.
    #[error("the encrypted key file {} has version {version}, which this program does not know", path.display())]
    KnowVersion {
        /// Which file.
        path: PathBuf,
        /// Its version.
        version: u8,
    },
    /// A file that keys are not taken from or written to.
    #[error("{} is not safe to keep keys in: it {problem}", path.display())]
    TrustFile {
        /// Which file.
        path: PathBuf,
        /// Why not.
        problem: &'static str,
    },
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    ReadFile {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file could not be written. What was there before still is.
    #[error("cannot write {}", path.display())]
    WriteFile {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process keeps the key store busy.
    #[error("another process is changing the stored keys ({} is locked)", path.display())]
    Wait {
        /// The file whose lock it holds.
        path: PathBuf,
    },
    /// The file that says where keys are kept cannot be understood.
    #[error("cannot understand {}, which says where keys are kept", path.display())]
    DecodeChoice {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// The configuration says where keys are kept, and it is another place.
    #[error("the configuration keeps keys in the {backend}")]
    ChangeConfigured {
        /// Where.
        backend: Backend,
    },
    /// Keys are kept there already.
    #[error("keys are kept in the {backend} already")]
    MigrateToSame {
        /// Where.
        backend: Backend,
    },
    /// The encrypted file exists and is locked in another way than wanted.
    #[error("the encrypted key file exists and is locked by {found}")]
    KeepProtection {
        /// How it is locked.
        found: ProtectionKind,
    },
    /// An empty value is no secret.
    #[error("the value of {name} is empty")]
    StoreEmpty {
        /// The key.
        name: KeyName,
    },
    /// A value beyond what is stored.
    #[error("the value of {name} has {n_bytes} bytes, more than the limit of {limit_bytes}")]
    StoreLong {
        /// The key.
        name: KeyName,
        /// Its length.
        n_bytes: usize,
        /// The most that is taken.
        limit_bytes: usize,
    },
    /// What was written reads differently.
    #[error("{name} was written but reads differently, so nothing was changed over")]
    Verify {
        /// The key.
        name: String,
    },
    /// A half done migration could not be taken back; the old place still has every key.
    #[error(
        "the migration failed, and the copy of {name} in the new place could not be taken back"
    )]
    RollBack {
        /// The key.
        name: KeyName,
        /// Why not.
        #[source]
        source: Box<KeyError>,
    },
    /// The passphrase could not be turned into a key.
    #[error("cannot derive a key from the passphrase (it takes {memory_mib} MiB of memory)")]
    DeriveKey {
        /// The memory it takes.
        memory_mib: u32,
    },
    /// The cipher refused.
    #[error("cannot encrypt the stored keys")]
    Encrypt,
    /// The operating system gave no random numbers.
    #[error("cannot get random numbers from the operating system")]
    GetRandom,
}

/// What the operating system's keyring said.
#[derive(Debug, thiserror::Error)]
pub enum KeyringFailure {
    /// Nobody answers: no D-Bus session, or no keyring in it.
    #[error("no keyring can be reached")]
    Connect(#[source] Box<dyn Error + Send + Sync>),
    /// It is locked, or has no collection, and its prompt was not answered or cannot be shown.
    #[error("the keyring is locked or not set up, and its prompt cannot be shown or was dismissed")]
    Unlock(#[source] Box<dyn Error + Send + Sync>),
    /// It did not answer in time. A prompt may still be on the screen.
    #[error("no answer within {limit_ms} ms; if a prompt to unlock the keyring is open, answer it")]
    Answer {
        /// How long was waited.
        limit_ms: u64,
    },
    /// Earlier calls are still without an answer, so no further one was made.
    #[error("earlier calls to the keyring are still waiting; answer its prompt or restart it")]
    FinishEarlier,
    /// It answered with an error.
    #[error("the keyring refused")]
    Do(#[source] Box<dyn Error + Send + Sync>),
    /// More than it takes.
    #[error("the keyring takes at most {limit} characters for one entry")]
    Hold {
        /// The most it takes.
        limit: u32,
    },
    /// Several entries have the same name.
    #[error(
        "the keyring has several entries of this name; remove all but one with its own program"
    )]
    Distinguish,
    /// The entry is there, but is not ours.
    #[error("the entry in the keyring is not text")]
    Decode,
    /// The list of names in the keyring is not a list of names.
    #[error("the entry `_key_index`, which lists the names of keys, cannot be understood")]
    DecodeIndex,
    /// The thread that talks to it ended.
    #[error("the connection to the keyring broke down")]
    Run,
}

impl KeyError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::UseKeyring { source, .. } => source.hint(),
            Self::Locked => Some(UNLOCK),
            Self::WrongPassphrase => Some("try again; there is no way to recover a passphrase"),
            Self::FindKeysFile { .. } => Some(
                "create it with `mesoclaw key store file --passphrase` or `mesoclaw key store file`, \
                 or put a backup back",
            ),
            Self::FindKeyFile { .. } | Self::OpenWithKeyFile { .. } => Some(
                "put the keys.key back that belongs to keys.enc, or move keys.enc away and set the \
                 keys again",
            ),
            Self::DecodeKeysFile { .. } => {
                Some("put a backup back, or move the file away and set the keys again")
            }
            Self::KnowVersion { .. } => {
                Some("use the version of mesoclaw that wrote it, or a later one")
            }
            Self::TrustFile { .. } => Some(
                "it must be a regular file of your account with mode 600, in a directory only you can write",
            ),
            Self::DecodeChoice { .. } => {
                Some("choose again with `mesoclaw key store keyring` or `mesoclaw key store file`")
            }
            Self::ChangeConfigured { .. } => Some("change the configuration instead"),
            Self::KeepProtection { .. } => {
                Some("change how the file is locked with `mesoclaw key passphrase`")
            }
            Self::Wait { .. } => Some("try again"),
            Self::DeriveKey { .. } => Some("free some memory and try again"),
            Self::PassphraseMissing
            | Self::PassphraseTooShort { .. }
            | Self::ReadFile { .. }
            | Self::WriteFile { .. }
            | Self::MigrateToSame { .. }
            | Self::StoreEmpty { .. }
            | Self::StoreLong { .. }
            | Self::Verify { .. }
            | Self::RollBack { .. }
            | Self::Encrypt
            | Self::GetRandom => None,
        }
    }
}

impl KeyringFailure {
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Connect(_)
            | Self::Unlock(_)
            | Self::Answer { .. }
            | Self::FinishEarlier
            | Self::Do(_)
            | Self::Hold { .. }
            | Self::Run => Some(CHOOSE_FILE),
            Self::Distinguish | Self::Decode => None,
            Self::DecodeIndex => Some(
                "remove the entry `_key_index` with the keyring's own program, then set the keys again",
            ),
        }
    }
}
