//! The rules: every verdict names one, and a person can read them all.

/// A rule as a person reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RuleInfo {
    /// Id, as verdicts and steps name it.
    pub id: &'static str,
    /// What it leads to: `low`, `medium`, `high`, `always asks`, `forbidden`, or `varies`.
    pub level: &'static str,
    /// What it says.
    pub text: &'static str,
}

/// All rules, in reading order.
pub fn rules() -> &'static [RuleInfo] {
    RULES
}

macro_rules! rules {
    ($($name:ident $id:literal $level:literal $text:literal;)*) => {
        /// Names of the rules, for the code that applies them.
        pub(super) mod rule {
            $(#[doc = $text] pub(in super::super) const $name: &str = $id;)*
        }
        const RULES: &[RuleInfo] = &[$(RuleInfo { id: $id, level: $level, text: $text }),*];
    };
}

rules! {
    LEVEL_STRICT "level.strict" "varies" "In `strict`, what only reads inside the workspace runs; everything else asks.";
    LEVEL_SUPERVISED "level.supervised" "varies" "In `supervised`, low risk runs; medium and high ask.";
    LEVEL_AUTONOMOUS "level.autonomous" "varies" "In `autonomous`, low and medium risk run; high asks.";
    WORKSPACE_NONE "workspace.none" "varies" "Without a workspace everything asks.";
    SURFACE_NOBODY "surface.nobody" "forbidden" "What would ask is refused where nobody can be asked: in a pipe, a job, a plugin.";
    TAINT "taint" "varies" "After text from outside was read, what changes, runs or sends something asks, at every level and whatever was granted.";
    GRANT "grant" "varies" "A grant covers what would ask.";
    FACTS_MISSING "facts.missing" "always asks" "Something that must be known about the disk is not.";

    ACTION_INSPECT "action.inspect" "low" "Looking at harmless facts of this machine or of mesoclaw.";
    ACTION_WEB "action.web" "medium" "Reading from the web through the guarded client.";
    ACTION_SIGNAL "action.signal" "high" "Ending a process.";
    ACTION_SEND "action.send" "high" "Sending something to somebody.";
    ACTION_REMEMBER "action.remember" "low" "Keeping something about the user; it can be listed and removed.";
    ACTION_PROPOSE "action.propose" "low" "Filing a proposal that an owner decides later.";
    ACTION_FOREIGN "action.foreign" "high" "Running code that is not ours: a plugin, a tool of another server.";
    ACTION_OTHER "action.other" "high" "Doing something the policy has no rule for.";

    PATH_WORKSPACE_READ "path.workspace.read" "low" "Reading inside the workspace or the session's temporary directory.";
    PATH_WORKSPACE_WRITE "path.workspace.write" "medium" "Changing files inside the workspace or the session's temporary directory.";
    PATH_WORKSPACE_DELETE "path.workspace.delete" "high" "Removing files.";
    PATH_OUTSIDE_READ "path.outside.read" "medium" "Reading outside the workspace.";
    PATH_OUTSIDE_WRITE "path.outside.write" "high" "Changing files outside the workspace.";
    PATH_PROTECTED "path.protected" "always asks" "Changing files that start programs or hold our own state: shell start-up, git hooks, autostart, units, editor and build start-up, our directories.";
    PATH_SECRET "path.secret" "always asks" "Reading files that usually hold secrets: keys, tokens, passwords, our own state.";
    PATH_ROOT_DELETE "path.root.delete" "forbidden" "Removing the root of the disk, a home, a system directory, the workspace's own root, or a directory above one of them.";
    PATH_LINK_OUT "path.link-out" "forbidden" "Leaving the workspace through a link inside it.";
    PATH_HARD_LINK "path.hard-link" "varies" "A file with further names: reading it is medium, changing it is high, for it may be a file outside.";
    PATH_SPECIAL "path.special" "forbidden" "Devices, pipes, sockets and the kernel's own files.";
    PATH_TEXT "path.text" "varies" "A path whose text means something else on another system, or hides something: refused by file tools, asked for in commands.";
    PATH_GLOB "path.glob" "high" "A wildcard whose matches are too many, unknown, or could be read as options.";

    SHELL_NUL "shell.nul" "forbidden" "A command with a NUL byte.";
    SHELL_TOO_LONG "shell.too-long" "forbidden" "A command of more than 16384 bytes.";
    SHELL_TOO_DEEP "shell.too-deep" "forbidden" "A command nested more than 16 levels.";
    SHELL_HIDDEN "shell.hidden" "always asks" "A command with control, invisible or direction-changing characters.";
    SHELL_UNCLEAR "shell.unclear" "always asks" "A command with a part whose effect cannot be told by reading it: expansions, substitutions, functions, and whatever shells read differently.";
    SHELL_DISAGREE "shell.disagree" "always asks" "A command that two independent readings take apart differently.";
    SHELL_EMPTY "shell.empty" "low" "A command that does nothing.";
    SHELL_CD "shell.cd" "low" "Changing the directory of the commands that follow.";
    SHELL_ASSIGNMENT "shell.assignment" "high" "Setting a variable that may change what programs do.";
    SHELL_REDIRECT "shell.redirect" "varies" "Reading or writing a file by redirection.";

    PROGRAM_KNOWN "program.known" "varies" "A program with options that are known.";
    PROGRAM_OPTION "program.option" "varies" "A known program with an option or argument that is not known, or is known to do more.";
    PROGRAM_UNKNOWN "program.unknown" "high" "A program the policy does not know.";
    PROGRAM_MISSING "program.missing" "high" "A program that is not in the trusted directories.";
    PROGRAM_UNTRUSTED "program.untrusted" "high" "A program from a place where others, or the agent, can change it.";
    PROGRAM_UNBOUND "program.unbound" "high" "Running code of the project where no sandbox keeps it inside the workspace.";
    PROGRAM_CODE "program.code" "medium" "Running code of the project: builds, tests, scripts.";
    PROGRAM_INTERPRETER "program.interpreter" "high" "A program that runs whatever it is given: interpreters, editors, pagers.";
    PROGRAM_WRAPPER "program.wrapper" "low" "A program that starts another one, which is judged by itself.";
    PROGRAM_FORBIDDEN "program.forbidden" "forbidden" "Changing privileges, stopping the machine, making file systems.";
    PROGRAM_OPEN_ENDED "program.open-ended" "always asks" "A program that gets further arguments from its input.";
    PROGRAM_REPOSITORY "program.repository" "medium" "Looking with git where the repository's own configuration may start programs, or is not known.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_every_rule_has_a_text() {
        let ids: BTreeSet<_> = rules().iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), rules().len());
        assert!(rules().iter().all(|rule| rule.text.ends_with('.')));
    }
}
