//! The flat configuration struct: one documented field after another.
//!
//! The doc comments are the text of `docs/configuration.md`. Defaults are in `defaults.rs`, ranges
//! in `validate.rs`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// Every setting of mesoclaw, after file, environment and flags were put together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Directory of everything mesoclaw keeps: database, models, logs.
    ///
    /// Unset means the usual data directory of the system. A relative path starts at the directory
    /// of the config file; `~/` is the home directory.
    pub data_dir: Option<PathBuf>,

    /// File of the database.
    ///
    /// Unset means `mesoclaw.db` in the data directory. A relative path starts at the directory of
    /// the config file.
    pub db_path: Option<PathBuf>,

    /// Directory of the installed models.
    ///
    /// Unset means `models` in the data directory. A relative path starts at the directory of the
    /// config file.
    pub models_dir: Option<PathBuf>,

    /// How much the daemon writes to its log.
    ///
    /// Each word includes the ones before it: `error`, `warn`, `info`, `debug`, `trace`.
    #[schemars(with = "String")]
    pub log_level: LogLevel,

    /// How many days a log file is kept, from 1 to 365.
    pub log_keep_days: u32,

    /// Id of the provider that answers when a request names none.
    ///
    /// Unset means that setup has not chosen one yet.
    #[serde(alias = "default_provider")]
    pub provider_name: Option<String>,

    /// Id of the model that answers when a request names none.
    ///
    /// Unset means that no model is set up.
    #[serde(alias = "default_model")]
    pub provider_model_id: Option<String>,

    /// Base URL of an OpenAI-compatible endpoint, for example `http://127.0.0.1:11434/v1`.
    ///
    /// It defines the provider `provider_name`, or takes the place of its known address, so
    /// `provider_name` has to be set too. User and password do not belong in it: name a variable in
    /// `provider_api_key_env` instead.
    pub provider_base_url: Option<String>,

    /// What is spoken at `provider_base_url`.
    ///
    /// `openai` and `openai_chat` mean OpenAI chat completions, which most servers speak. Unset
    /// means what is known of the provider `provider_name`, else chat completions. Without
    /// `provider_base_url` it has no effect: what a known provider speaks is known.
    pub provider_type: Option<String>,

    /// Name of the environment variable that holds the key for `provider_base_url`.
    ///
    /// Unset means that the endpoint needs no key. Only the name stands here, never the key.
    pub provider_api_key_env: Option<String>,

    /// Seconds to wait for a connection to a provider, from 1 to 300.
    pub provider_connect_timeout_secs: u32,

    /// Seconds to wait for the first piece of an answer, from 1 to 3600.
    ///
    /// A local server that has to load its model first needs more than a remote one.
    pub provider_first_token_timeout_secs: u32,

    /// Seconds a started answer may stand still, from 1 to 3600.
    pub provider_idle_timeout_secs: u32,

    /// How many more times a failed model call is tried, from 0 to 10.
    ///
    /// Only failures that may pass are tried again: no connection, too many requests, an error of
    /// the server. 0 means never.
    pub provider_max_retries: u32,

    /// Longest wait in seconds that a provider may ask for before another try, from 0 to 3600.
    ///
    /// When it asks for a longer one the call fails at once, or the next model of
    /// `provider_fallbacks` answers.
    pub provider_retry_after_max_secs: u32,

    /// Models that answer when the one that was asked for cannot, tried in this order, at most 8.
    ///
    /// Each is `PROVIDER:MODEL`. They are asked only while nothing of the answer was shown, and the
    /// conversation says which one answered.
    pub provider_fallbacks: Vec<String>,

    /// Failures in a row after which a provider is left alone for a while, from 0 to 100.
    ///
    /// Only failures to reach it, time-outs and errors of its server count. 0 means never.
    pub provider_circuit_failures: u32,

    /// Seconds a provider is left alone after so many failures, from 1 to 3600.
    pub provider_circuit_pause_secs: u32,

    /// Model that `hint:fast` means, as `PROVIDER:MODEL`.
    ///
    /// Unset means that the hint cannot be used.
    pub model_fast: Option<String>,

    /// Model that `hint:reasoning` means, as `PROVIDER:MODEL`.
    ///
    /// Unset means that the hint cannot be used.
    pub model_reasoning: Option<String>,

    /// Model that `hint:vision` means, as `PROVIDER:MODEL`.
    ///
    /// Unset means that the hint cannot be used.
    pub model_vision: Option<String>,

    /// Model that `hint:summarize` means, as `PROVIDER:MODEL`.
    ///
    /// Unset means that the hint cannot be used.
    pub model_summarize: Option<String>,

    /// Name under which secrets are kept in the keyring of the system.
    ///
    /// Secrets kept under another name are not found any more. It is read when the daemon starts: a
    /// change counts from the next start on.
    pub keyring_service_id: String,

    /// Most US dollars a day may cost, from 0.000001 to 1000000.
    ///
    /// At 80 % people are warned and scheduled work stops, at 100 % no model is asked any more. A
    /// call of which no price is known costs nothing here: set `budget_daily_tokens` too. Days are
    /// those of UTC. Unset means no limit.
    pub budget_daily_usd: Option<f64>,

    /// Most input and output tokens of a day, from 1 to 1000000000000.
    ///
    /// As `budget_daily_usd`. Unset means no limit.
    pub budget_daily_tokens: Option<u64>,

    /// Most US dollars one session may cost, from 0.000001 to 1000000.
    ///
    /// Unset means no limit.
    pub budget_session_usd: Option<f64>,

    /// Most input and output tokens of one session, from 1 to 1000000000000.
    ///
    /// Unset means no limit.
    pub budget_session_tokens: Option<u64>,

    /// Most model calls in one turn, from 1 to 1000.
    pub agent_max_turns: u32,

    /// How many times an answer that hit the output limit is continued, from 0 to 100.
    pub agent_max_continuations: u32,

    /// Most output tokens of one model call, from 1 to 1000000.
    pub agent_max_tokens: u32,

    /// Most seconds a turn may take by the clock, from 1 to 86400.
    pub agent_turn_timeout_secs: u32,

    /// Text that replaces the built-in system prompt.
    ///
    /// Unset means the built-in one. An empty text means no system prompt at all.
    pub agent_system_prompt: Option<String>,

    /// Sampling temperature, from 0 (always the likeliest token) to 2.
    ///
    /// Unset leaves it to the provider or the model.
    #[serde(serialize_with = "shortest_optional")]
    pub agent_temperature: Option<f32>,

    /// Share of the likeliest tokens that sampling may choose from, above 0 and up to 1.
    ///
    /// Unset leaves it to the provider or the model.
    #[serde(serialize_with = "shortest_optional")]
    pub agent_top_p: Option<f32>,

    /// Seed of the sampling, from 0 to 4294967295, for answers that can be repeated.
    ///
    /// Unset means another one each time. Not every provider keeps to it.
    pub agent_seed: Option<u32>,

    /// Texts that end an answer when the model writes them, at most 8.
    ///
    /// The text itself is not part of the answer. An empty list means only the model's own end.
    pub agent_stop: Vec<String>,

    /// Seconds an approval waits for somebody before it counts as denied, from 5 to 86400.
    pub approval_timeout_secs: u32,

    /// How much tools may do before a person is asked: `strict`, `supervised` or `autonomous`.
    ///
    /// `strict`: only reads inside the workspace run. `supervised`: what only looks runs, all that
    /// changes something asks. `autonomous`: changes inside the workspace run too, what could do
    /// lasting harm asks. What is forbidden is forbidden in each. The words `readonly` (meaning
    /// `strict`), `full` and `semi-autonomous` (meaning `autonomous`) are understood too.
    pub security_autonomy_level: String,

    /// What has to keep programs inside their bounds: `off`, `best_effort` or `require`.
    ///
    /// `best_effort` is whatever this system has; `mesoclaw doctor` tells what that is. With
    /// `require` no program runs where files and system calls cannot be restricted. `off` restricts
    /// neither.
    pub security_sandbox: String,

    /// Most tool calls a session may begin within the window, from 0 to 10000.
    ///
    /// The window is `security_rate_limit_window_secs` long. 0 means no limit.
    pub security_rate_limit_max: u32,

    /// Seconds in which tool calls are counted, from 1 to 86400.
    pub security_rate_limit_window_secs: u32,

    /// How often in a row a turn may repeat itself before it ends, from 0 to 100.
    ///
    /// A repetition is the same call with the same result, a call of an unknown tool, or the same
    /// error of a tool. Below 2 counts as 2.
    pub max_tool_retries: u32,

    /// Which models are told of tools: `auto`, `always` or `never`.
    ///
    /// `auto` leaves out models of the embedded engine with fewer than a billion parameters: they call
    /// tools at random, and reading what tools there are takes them longer than answering.
    pub agent_tools: String,

    /// Names of tools that no model gets and nobody can run, at most 64.
    pub disabled_tools: Vec<String>,

    /// Longest result of a tool that goes to the model, from 1024 to 1048576 bytes.
    ///
    /// What is longer is cut, and the result says how to get the rest.
    pub tool_output_max_bytes: u64,

    /// Seconds a command may run when its call names no time, from 1 to 86400.
    pub tool_shell_timeout_secs: u32,

    /// Most seconds a call may ask for, from 1 to 86400.
    ///
    /// It is at least `tool_shell_timeout_secs`.
    pub tool_shell_max_timeout_secs: u32,

    /// Most lines one call of `file_read` gives, from 1 to 1000000.
    pub tool_file_read_max_lines: u32,

    /// Largest file that `file_read` opens, from 1024 to 1073741824 bytes.
    pub tool_file_read_max_bytes: u64,

    /// Most results of `file_search` and `content_search`, from 1 to 10000.
    pub tool_file_search_max_results: u32,

    /// Most processes that `process` lists, from 1 to 10000.
    pub tool_process_list_limit: u32,

    /// Places outside of the workspace that tools may read as if they were in it, at most 64.
    ///
    /// What looks like a secret asks there too.
    pub tool_readable_paths: Vec<PathBuf>,

    /// Names of the daemon's environment variables that programs get to see, at most 64.
    ///
    /// Without it they see only what programs need to run at all. Only names stand here, never
    /// values.
    pub tool_environment: Vec<String>,

    /// Seconds a web search may take, from 1 to 300.
    pub web_search_timeout_secs: u32,

    /// Most results of a web search, from 1 to 20.
    pub web_search_max_results: u32,

    /// Seconds a page may take to arrive, from 1 to 300.
    pub web_fetch_timeout_secs: u32,

    /// Largest page that is fetched, unpacked, from 1024 to 104857600 bytes.
    pub web_fetch_max_bytes: u64,

    /// Hosts on this machine or in private networks that tools may reach, at most 64.
    ///
    /// Each is `HOST`, `HOST:PORT`, `*.HOST` or an address. All others of that kind are refused.
    pub web_allow_private_hosts: Vec<String>,

    /// Whether web tools go through the proxy that the daemon's environment names.
    ///
    /// The proxy then finds the hosts, so addresses in private networks are not recognised.
    pub web_use_proxy: bool,

    /// Bytes of file contents kept for `undo`, in all sessions together, from 0 to 1099511627776.
    ///
    /// Beyond it the oldest turns can no longer be undone. 0 keeps the last turn only.
    pub checkpoint_max_bytes: u64,

    /// Largest file whose content is kept for `undo`, from 0 to 1073741824 bytes.
    ///
    /// A larger one can be changed all the same, and `undo` says that it was not kept.
    pub checkpoint_file_max_bytes: u64,

    /// Most earlier messages of a session that go to the model, from 0 to 10000.
    pub context_max_history_messages: u32,

    /// Seconds without a request after which the embedded model leaves memory, from 0 to 86400.
    ///
    /// 0 means never.
    pub local_idle_unload_secs: u32,

    /// Threads the embedded model computes with, from 0 to 256.
    ///
    /// 0 means all cores. The threads wait for each other actively: on a machine whose cores are
    /// busy with other work one thread less than cores is much faster.
    pub local_threads: u32,

    /// Tokens the embedded model can see at once, prompt and answer together, from 256 to 131072.
    ///
    /// A model that was trained for less uses less. More needs more memory.
    pub local_context_tokens: u32,

    /// How much the embedded model avoids tokens it has just used, from 1 (not at all) to 2.
    #[serde(serialize_with = "shortest")]
    pub local_repeat_penalty: f32,
}

/// How much is logged; each level includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// A person must act.
    Error,
    /// Something went wrong and was coped with.
    Warn,
    /// Life cycle and one line per turn.
    Info,
    /// Decisions.
    Debug,
    /// Traffic.
    Trace,
}

impl Config {
    /// The names of all settings, in the order of the documentation.
    pub fn field_names() -> impl Iterator<Item = &'static str> {
        crate::field::fields().iter().map(|field| field.key)
    }
}

impl LogLevel {
    /// The word that stands in the config file, which is also a `tracing` level name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl std::fmt::Display for LogLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Widening an `f32` shows digits nobody wrote (1.1 becomes 1.100000023841858), so the shortest
/// decimal that reads back as the same `f32` is widened instead.
fn widened(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn shortest<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(widened(*value))
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn shortest_optional<S: Serializer>(value: &Option<f32>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_f64(widened(*value)),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_shown_as_they_were_written() {
        let config = Config {
            agent_temperature: Some(0.7),
            budget_daily_usd: Some(0.7),
            ..Config::default()
        };
        let value = serde_json::to_value(&config).unwrap();
        assert_eq!(value["agent_temperature"].to_string(), "0.7");
        assert_eq!(value["local_repeat_penalty"].to_string(), "1.1");
        assert_eq!(value["budget_daily_usd"].to_string(), "0.7");
        assert_eq!(serde_json::from_value::<Config>(value).unwrap(), config);
    }

    #[test]
    fn log_levels_are_ordered_and_spelled_like_their_serde_names() {
        let levels = [
            LogLevel::Error,
            LogLevel::Warn,
            LogLevel::Info,
            LogLevel::Debug,
            LogLevel::Trace,
        ];
        assert!(levels.is_sorted());
        for level in levels {
            assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
        }
    }
}
