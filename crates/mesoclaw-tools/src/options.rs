//! `ToolOptions`: every limit of the tools, named like the configuration fields they come from.

use std::sync::Arc;
use std::time::Duration;

/// Gives the options as they are now: asked at each call, so that a change counts at once.
pub type OptionsNow = Arc<dyn Fn() -> ToolOptions + Send + Sync>;

/// The limits of the tools.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToolOptions {
    /// Bytes of text one call answers with, the note about what was cut apart.
    pub tool_output_max_bytes: usize,
    /// Lines `file_read` gives when the call names no number.
    pub tool_file_read_max_lines: usize,
    /// Bytes of a file that are looked at, from its start; also the largest file that is patched,
    /// edited or shown as a difference.
    pub tool_file_read_max_bytes: u64,
    /// Entries of one `file_list`.
    pub tool_file_list_max_entries: usize,
    /// Names or matches of one search.
    pub tool_file_search_max_results: usize,
    /// Processes of one `process list`.
    pub tool_process_list_limit: usize,
    /// Seconds a command may run when the call names no number.
    pub tool_shell_timeout_secs: u64,
    /// Seconds a call may ask for.
    pub tool_shell_max_timeout_secs: u64,
    /// Seconds any other tool may run.
    pub tool_timeout_secs: u64,
}

impl ToolOptions {
    /// How long a tool other than the shell may run.
    pub fn time_limit(&self) -> Duration {
        Duration::from_secs(self.tool_timeout_secs)
    }
}

impl Default for ToolOptions {
    fn default() -> Self {
        Self {
            tool_output_max_bytes: 64 * 1024,
            tool_file_read_max_lines: 10_000,
            tool_file_read_max_bytes: 16 * 1024 * 1024,
            tool_file_list_max_entries: 2_000,
            tool_file_search_max_results: 100,
            tool_process_list_limit: 200,
            tool_shell_timeout_secs: 30,
            tool_shell_max_timeout_secs: 600,
            tool_timeout_secs: 60,
        }
    }
}
