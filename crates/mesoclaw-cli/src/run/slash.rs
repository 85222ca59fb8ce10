//! The slash commands of the line chat: reading them, and their help.

/// A slash command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Slash {
    /// `/help`
    Help,
    /// `/new [NAME]`
    New(Option<String>),
    /// `/session`
    Session,
    /// `/sessions`
    Sessions,
    /// `/switch NAME`
    Switch(String),
    /// `/model [PROVIDER:MODEL]`
    Model(Option<String>),
    /// `/queue`
    Queue,
    /// `/queue edit N TEXT`
    QueueEdit(String, String),
    /// `/queue drop N`
    QueueDrop(String),
    /// `/continue`
    Continue,
    /// `/cancel`
    Cancel,
    /// `/approvals`
    Approvals,
    /// `/undo`
    Undo,
    /// `/policy`
    Policy,
    /// `/workspace`
    Workspace,
    /// `/usage`
    Usage,
    /// `/image FILE`; without one the images that wait are dropped.
    Image(Option<String>),
    /// `/export FILE`
    Export(String),
    /// `/detach`
    Detach,
    /// `/quit`
    Quit,
}

/// What `/help` shows.
pub const HELP: &str = "\
/new [NAME]         begin another session
/session            tell about this session
/sessions           list the latest sessions
/switch NAME        go on in another session (name or id)
/model [ID]         show or choose the model of this session: PROVIDER:MODEL, hint:fast
                    and the like, or - for the default
/image [FILE]       say an image with the next message; without one, drop those that wait
/queue              list the messages that wait
/queue edit N TEXT  change a waiting message
/queue drop N       take back a waiting message
/continue           go on with an answer that broke off
/cancel             stop what runs in this session
/approvals          answer the calls that wait for a yes
/undo               put back the files the last turn changed
/policy             tell what runs without a question
/workspace          tell where tools work
/usage              count tokens and money of this session and of today
/export FILE        write this session to a file as Markdown
/detach             leave; what runs goes on
/quit               leave; the same as /detach when nothing runs
A word @FILE that names a file attaches it; \\@ is only a character.
A \\ at the end of a line continues it. // at the start sends a line that begins with /.
Ctrl-C stops an answer, Ctrl-D leaves.
";

/// Reads a line.
///
/// `None`: it is a message. `Err`: it begins with a slash and is no command; the text says what
/// to do.
pub fn parse(line: &str) -> Option<Result<Slash, String>> {
    let line = line.trim();
    if line == "?" {
        return Some(Ok(Slash::Help));
    }
    let rest = line
        .strip_prefix('/')
        .filter(|rest| !rest.starts_with('/'))?;
    let (name, argument) = match rest.split_once(char::is_whitespace) {
        Some((name, argument)) => (name, argument.trim()),
        None => (rest, ""),
    };
    Some(command(name, argument))
}

/// The message a line stands for: `//x` is the text `/x`.
pub fn message(line: &str) -> &str {
    if line.starts_with("//") {
        line.get(1..).unwrap_or(line)
    } else {
        line
    }
}

fn command(name: &str, argument: &str) -> Result<Slash, String> {
    let optional = || (!argument.is_empty()).then(|| argument.to_owned());
    let required = |usage: &str| optional().ok_or_else(|| format!("usage: {usage}"));
    Ok(match name {
        "help" | "h" | "?" => Slash::Help,
        "new" => Slash::New(optional()),
        "session" => Slash::Session,
        "sessions" => Slash::Sessions,
        "switch" => Slash::Switch(required("/switch NAME")?),
        "model" => Slash::Model(optional()),
        "queue" => return queue(argument),
        "continue" => Slash::Continue,
        "cancel" => Slash::Cancel,
        "approvals" | "approve" => Slash::Approvals,
        "undo" => Slash::Undo,
        "policy" => Slash::Policy,
        "workspace" => Slash::Workspace,
        "usage" => Slash::Usage,
        "image" => Slash::Image(optional()),
        "export" => Slash::Export(required("/export FILE")?),
        "detach" => Slash::Detach,
        "quit" | "exit" | "q" => Slash::Quit,
        _ => {
            return Err(format!(
                "there is no command /{name}; /help lists them, and // sends a line that begins with /"
            ));
        }
    })
}

fn queue(argument: &str) -> Result<Slash, String> {
    const USAGE: &str = "usage: /queue, /queue edit N TEXT, /queue drop N";
    let mut words = argument.splitn(3, char::is_whitespace);
    match (words.next(), words.next(), words.next().map(str::trim)) {
        (None | Some(""), _, _) => Ok(Slash::Queue),
        (Some("drop"), Some(number), None) => Ok(Slash::QueueDrop(number.to_owned())),
        (Some("edit"), Some(number), Some(text)) if !text.is_empty() => {
            Ok(Slash::QueueEdit(number.to_owned(), text.to_owned()))
        }
        _ => Err(USAGE.to_owned()),
    }
}

#[cfg(test)]
mod tests;
