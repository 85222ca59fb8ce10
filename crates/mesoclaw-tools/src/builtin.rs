//! The list of built-in tools.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesoclaw_agent::tool::Tool;

use crate::content_search::ContentSearch;
use crate::edit::Edit;
use crate::file_list::FileList;
use crate::file_read::FileRead;
use crate::file_search::FileSearch;
use crate::file_write::FileWrite;
use crate::options::OptionsNow;
use crate::patch::Patch;
use crate::process::Process;
use crate::shell::{SandboxNow, Shell};
use crate::system_info::SystemInfo;
use crate::web_fetch::{GuardNow, WebFetch};
use crate::web_search::{SearchNow, WebSearch};

/// What the tools need from whoever puts the program together.
pub struct ToolParts {
    /// Their limits, asked for at each call.
    pub options: OptionsNow,
    /// The environment `system_info` tells about.
    pub environment: BTreeMap<String, String>,
    /// The sandbox commands run in, asked for at each call.
    pub sandbox: SandboxNow,
    /// The guard of the network, asked for at each call.
    pub guard: GuardNow,
    /// The search engines and their keys, asked for at each call.
    pub search: SearchNow,
}

/// All built-in tools.
pub fn builtin(parts: ToolParts) -> Vec<Arc<dyn Tool>> {
    let ToolParts {
        options,
        environment,
        sandbox,
        guard,
        search,
    } = parts;
    let environment = Arc::new(environment);
    vec![
        Arc::new(FileRead::new(Arc::clone(&options))),
        Arc::new(FileWrite::new(Arc::clone(&options))),
        Arc::new(FileList::new(Arc::clone(&options))),
        Arc::new(FileSearch::new(Arc::clone(&options))),
        Arc::new(ContentSearch::new(Arc::clone(&options))),
        Arc::new(Edit::new(Arc::clone(&options))),
        Arc::new(Patch::new(Arc::clone(&options))),
        Arc::new(Process::new(Arc::clone(&options))),
        Arc::new(Shell::new(Arc::clone(&options), sandbox)),
        Arc::new(WebFetch::new(Arc::clone(&guard), Arc::clone(&options))),
        Arc::new(WebSearch::new(guard, search, Arc::clone(&options))),
        Arc::new(SystemInfo::new(options, environment)),
    ]
}
