//! What a repository's own git configuration could start while git only looks.

/// The settings of a `.git/config` that could start a program, sorted; a file that is not
/// understood gives one entry that says so. Hooks are not settings and do not count: looking runs
/// none as long as the environment is [`super::CHILD_ENVIRONMENT`].
pub fn git_config_runs(text: &str) -> Vec<String> {
    let mut section = String::new();
    let mut runs = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let Some((name, after)) = rest.split_once(']') else {
                return vec!["a line that is not understood".to_owned()];
            };
            // A setting may stand on the line of its section, and a name may hold a bracket in
            // quotes: both are rare enough not to be read.
            if !after.trim().is_empty() && !after.trim().starts_with(['#', ';']) {
                return vec!["a line that is not understood".to_owned()];
            }
            section = name
                .split(|c: char| c.is_whitespace() || c == '.')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            continue;
        }
        let key = line
            .split(|c: char| c == '=' || c.is_whitespace())
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if is_running(&section, &key) || line.ends_with('\\') {
            runs.push(format!("{section}.{key}"));
        }
    }
    runs.sort();
    runs.dedup();
    runs
}

/// Known settings that never start a program. Everything else counts as one that does: a list of
/// the dangerous ones would miss the next one.
fn is_running(section: &str, key: &str) -> bool {
    match section {
        "core" => !matches!(
            key,
            "repositoryformatversion"
                | "filemode"
                | "bare"
                | "logallrefupdates"
                | "ignorecase"
                | "precomposeunicode"
                | "symlinks"
                | "autocrlf"
                | "safecrlf"
                | "eol"
                | "quotepath"
                | "abbrev"
                | "hidedotfiles"
                | "longpaths"
                | "fscache"
                | "compression"
                | "sharedrepository"
                | "preloadindex"
                | "untrackedcache"
                | "trustctime"
                | "checkstat"
                | "whitespace"
                | "commentchar"
                | "protectntfs"
                | "protecthfs"
        ),
        "remote" => !matches!(
            key,
            "url"
                | "fetch"
                | "pushurl"
                | "push"
                | "tagopt"
                | "prune"
                | "mirror"
                | "skipfetchall"
                | "gh-resolved"
        ),
        "user" | "branch" | "color" | "init" | "pull" | "push" | "fetch" | "rerere" | "column"
        | "advice" | "status" | "log" | "format" | "i18n" | "gc" | "pack" | "index" | "feature"
        | "http" | "help" | "merge" | "rebase" | "author" | "committer" | "maintenance" => {
            matches!(
                key,
                "signaturefile" | "recentobjectshook" | "pretty" | "driver"
            )
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_configuration_runs_nothing() {
        for (text, expected) in [
            ("", vec![]),
            (
                "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://x.example/y\n[branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n",
                vec![],
            ),
            (
                "[core]\n\tfsmonitor = touch /tmp/x\n",
                vec!["core.fsmonitor"],
            ),
            (
                "[core]\n\tpager = x\n\teditor = x\n\tattributesFile = x\n",
                vec!["core.attributesfile", "core.editor", "core.pager"],
            ),
            ("[diff \"x\"]\n\ttextconv = sh\n", vec!["diff.textconv"]),
            ("[diff]\n\texternal = sh\n", vec!["diff.external"]),
            (
                "[filter \"lfs\"]\n\tclean = git-lfs clean\n\tprocess = git-lfs\n",
                vec!["filter.clean", "filter.process"],
            ),
            ("[include]\n\tpath = ../evil\n", vec!["include.path"]),
            (
                "[includeIf \"gitdir:/\"]\n\tpath = ../evil\n",
                vec!["includeif.path"],
            ),
            (
                "[core]\n\tsshCommand = x\n\thooksPath = .\n",
                vec!["core.hookspath", "core.sshcommand"],
            ),
            ("[diff.x]\n\tcommand = sh\n", vec!["diff.command"]),
            (
                "[core] sshCommand = x\n",
                vec!["a line that is not understood"],
            ),
            ("[gpg]\n\tprogram = x\n", vec!["gpg.program"]),
        ] {
            assert_eq!(git_config_runs(text), expected, "{text:?}");
        }
    }
}
