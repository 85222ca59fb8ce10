//! A person at work: a directory of files, a model that plays a script, a daemon, and clients that
//! stand in that directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mesoclaw_api::event::EventFilter;
use mesoclaw_api::item::{Item, ItemBody, TurnOutcome};
use mesoclaw_api::ops::approval::{
    Answer, Approval, ApprovalResolve, ApprovalScope, Resolution, ResolveParams,
};
use mesoclaw_api::ops::events::SubscribeParams;
use mesoclaw_api::ops::session::{CreateParams, SessionCreate};
use mesoclaw_api::ops::tool::ToolExecute;
use mesoclaw_api::{ApiResult, Event, Operation, SessionId};
use mesoclaw_testkit::daemon::DaemonProcess;
use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::{ModelServer, RecordedRequest, Reply, Script, Step};
use mesoclaw_testkit::pty::Pty;
use serde_json::{Value, json};

use crate::fixture::{Fixture, items, program, say, until};
use crate::process::{Ran, Running, Stdin};
use crate::rpc::{Wire, events_of};

/// Where programs are: no directory of whoever runs the tests.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// See the module documentation.
pub struct Desk {
    pub fixture: Fixture,
}

impl Desk {
    /// An empty directory and a model that plays this.
    pub fn new(script: Script) -> Self {
        Self::with(script, "")
    }

    /// The same, with more lines in the config file.
    pub fn with(script: Script, config: &str) -> Self {
        let server = ModelServer::start_blocking(script);
        let home = TestHome::new();
        home.use_model_server(&server);
        let basic = fs::read_to_string(home.config_file()).unwrap();
        home.write_config(&format!("{basic}{config}"));
        fs::create_dir(home.user_home().join("work")).unwrap();
        let mut command = home.mesoclaw(program());
        command.args(["daemon", "run"]).env("PATH", PATH);
        let daemon = DaemonProcess::start_command(command, &home);
        Self {
            fixture: Fixture {
                daemon,
                server,
                home,
            },
        }
    }

    /// The home directory.
    pub fn home(&self) -> &Path {
        self.fixture.home.user_home()
    }

    /// The directory of the work.
    pub fn work(&self) -> PathBuf {
        self.home().join("work")
    }

    /// Writes a file of the work, with its directories.
    pub fn write(&self, name: &str, text: &str) {
        put(&self.work().join(name), text);
    }

    /// Writes a program of the work.
    pub fn write_program(&self, name: &str, text: &str) {
        self.write(name, text);
        make_executable(&self.work().join(name));
    }

    /// Reads a file of the work; `None` when it is not there.
    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.work().join(name)).ok()
    }

    /// The program with arguments, in the directory of the work.
    pub fn mesoclaw(&self, args: &[&str]) -> Command {
        let mut command = self.fixture.home.mesoclaw(program());
        command
            .args(args)
            .env("PATH", PATH)
            .current_dir(self.work());
        command
    }

    /// Runs the program to its end, with an empty pipe as stdin.
    pub fn run(&self, args: &[&str]) -> Ran {
        Running::start(&mut self.mesoclaw(args), Stdin::Text("")).finish()
    }

    /// What a command prints with `--json`.
    pub fn json(&self, args: &[&str]) -> Value {
        let mut words = vec!["--json"];
        words.extend(args);
        self.run(&words).json()
    }

    /// The program on a terminal.
    pub fn terminal(&self, args: &[&str]) -> Pty {
        Pty::spawn(&self.mesoclaw(args), 50, 100)
    }

    /// A chat on a terminal, at its first prompt.
    pub fn chat(&self, args: &[&str]) -> Pty {
        let mut words = vec!["chat"];
        words.extend(args);
        let pty = self.terminal(&words);
        pty.wait_for_text("? help, /detach leaves it running");
        crate::chat::wait_for_prompt(&pty);
        pty
    }

    /// A client with a new session in the directory of the work.
    pub fn talk(&self) -> Talk {
        self.talk_in(&self.work())
    }

    /// A client with a new session in another directory.
    pub fn talk_in(&self, workspace: &Path) -> Talk {
        let workspace = workspace.to_str().expect("text").to_owned();
        let session = self.fixture.wire().call::<SessionCreate>(CreateParams {
            workspace: Some(workspace),
            ..CreateParams::default()
        });
        self.talk_of(session.unwrap().id)
    }

    /// Another client of a session.
    pub fn talk_of(&self, session_id: SessionId) -> Talk {
        let subscribe = SubscribeParams {
            filter: EventFilter::session(session_id.clone()),
            since: None,
        };
        let (wire, _) = Wire::greet(&self.fixture.socket(), Some(subscribe));
        Talk { wire, session_id }
    }

    /// Runs a tool by itself in a new session, and answers the question it leads to.
    pub fn execute(
        &self,
        name: &str,
        args: &Value,
        answer: impl FnOnce(&Approval) -> ResolveParams,
    ) -> (Approval, ApiResult<Value>) {
        let mut talk = self.talk();
        let mut other = self.talk_of(talk.session_id.clone());
        let params = json!({"name": name, "args": args, "session_id": talk.session_id});
        let id = talk.wire.request(ToolExecute::METHOD, &params);
        let approval = other.asked();
        other.resolve(answer(&approval)).unwrap();
        let run = talk.wire.answer_to(id).expect("an answer");
        (approval, run)
    }

    /// Every file of the home but our own directories, with its content.
    pub fn snapshot(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let mut open = vec![self.home().to_owned()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).unwrap().flatten() {
                let path = entry.path();
                let home = &self.fixture.home;
                let is_ours = path == home.mesoclaw_home() || path == home.temp_dir();
                if is_ours || path.ends_with("daemon.out") {
                    continue;
                }
                if entry.file_type().unwrap().is_dir() {
                    open.push(path);
                    continue;
                }
                let text =
                    String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
                all.push((path.display().to_string(), text));
            }
        }
        all.sort();
        all
    }

    /// What tools gave the model, in the order in which it got them.
    pub fn given(&self) -> Vec<String> {
        let requests = self.fixture.server.requests();
        let last = requests
            .iter()
            .rev()
            .find(|request| request.method == "POST");
        last.map(given_in).unwrap_or_default()
    }
}

/// What tools gave the model, by a request.
pub fn given_in(request: &RecordedRequest) -> Vec<String> {
    let messages = request.body["messages"].as_array().expect("messages");
    messages
        .iter()
        .filter(|message| message["role"] == "tool")
        .map(|message| message["content"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Writes a file with its directories.
pub fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a directory")).unwrap();
    fs::write(path, text).unwrap();
}

/// Lets a file be run.
pub fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A client that can be asked, over the socket.
pub struct Talk {
    pub wire: Wire,
    pub session_id: SessionId,
}

impl Talk {
    /// Says something.
    pub fn say(&mut self, text: &str) {
        say(&mut self.wire, &self.session_id, text);
    }

    /// Waits for a question, or for the end of the turn.
    pub fn next(&mut self) -> Next {
        let news = self.wire.news_until(|event| {
            matches!(
                event,
                Event::ApprovalRequested { .. } | Event::TurnFinished { .. }
            )
        });
        let last = events_of(&news).last().expect("an event");
        match &last.event {
            Event::ApprovalRequested { approval } => Next::Asked(approval.clone()),
            Event::TurnFinished { outcome, .. } => Next::Finished(outcome.clone()),
            other => panic!("{other:?}"),
        }
    }

    /// The question that comes next.
    pub fn asked(&mut self) -> Approval {
        match self.next() {
            Next::Asked(approval) => *approval,
            Next::Finished(outcome) => {
                panic!("not asked; {outcome:?}; results {:#?}", self.results())
            }
        }
    }

    /// The end of the turn; nothing may be asked before it.
    pub fn finished(&mut self) -> TurnOutcome {
        match self.next() {
            Next::Finished(outcome) => outcome,
            Next::Asked(approval) => panic!("asked: {approval:#?}"),
        }
    }

    /// Answers a question.
    pub fn answer(&mut self, approval: &Approval, answer: Answer) -> ApiResult<Resolution> {
        self.resolve(answer_to(approval, answer))
    }

    /// Answers a question in detail.
    pub fn resolve(&mut self, params: ResolveParams) -> ApiResult<Resolution> {
        self.wire.call::<ApprovalResolve>(params)
    }

    /// Says something and gives every question this answer. Gives what was asked, and the end.
    pub fn say_and(&mut self, text: &str, answer: Answer) -> (Vec<Approval>, TurnOutcome) {
        self.say(text);
        let mut asked = Vec::new();
        loop {
            match self.next() {
                Next::Finished(outcome) => return (asked, outcome),
                Next::Asked(approval) => {
                    self.answer(&approval, answer).unwrap();
                    asked.push(*approval);
                }
            }
        }
    }

    /// Says something that must not lead to a question, and waits for the end.
    pub fn say_unasked(&mut self, text: &str) {
        self.say(text);
        assert_eq!(self.finished(), TurnOutcome::Completed);
    }

    /// What tools answered so far.
    pub fn results(&mut self) -> Vec<Given> {
        items(&mut self.wire, &self.session_id, 0)
            .into_iter()
            .filter_map(given)
            .collect()
    }

    /// What the last tool answered.
    pub fn last_result(&mut self) -> Given {
        self.results().pop().expect("a result")
    }
}

/// What comes next in a turn.
pub enum Next {
    Asked(Box<Approval>),
    Finished(TurnOutcome),
}

/// What a tool answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given {
    pub tool: String,
    pub success: bool,
    /// Whether the tool ran at all.
    pub ran: bool,
    pub output: String,
    pub taints: bool,
}

fn given(item: Item) -> Option<Given> {
    match item.body {
        ItemBody::ToolResult {
            tool,
            output,
            success,
            duration_ms,
            provenance,
            ..
        } => Some(Given {
            tool,
            success,
            ran: duration_ms.is_some(),
            output,
            taints: provenance.is_some_and(|provenance| provenance.taints),
        }),
        _ => None,
    }
}

/// An answer to a question, for this call.
pub fn answer_to(approval: &Approval, answer: Answer) -> ResolveParams {
    ResolveParams {
        approval_id: approval.id.clone(),
        answer,
        reason: None,
        scope: ApprovalScope::Once,
        patterns: None,
        expires_in_secs: None,
        digest: Some(approval.digest.clone()),
    }
}

/// A model that makes these calls, each in a turn of its own that ends with this text.
pub fn calls<'a>(turns: impl IntoIterator<Item = (&'a str, Value, &'a str)>) -> Script {
    let turns = turns.into_iter().enumerate();
    Script::replies(turns.flat_map(|(n, (tool, args, text))| {
        [
            Reply::new([Step::tool_call(&format!("c{n}"), tool, &args)]),
            Reply::text(text),
        ]
    }))
}

/// A model that runs a command line a turn, and says so.
pub fn commands<'a>(lines: impl IntoIterator<Item = &'a str>) -> Script {
    calls(lines.into_iter().map(|line| {
        let args = json!({"command": line});
        ("shell", args, "Done.")
    }))
}

/// Waits for a question of the program on a terminal that was not there before. Gives how many
/// there were so far.
pub fn wait_for_question(pty: &Pty, before: usize) -> usize {
    let count = || {
        String::from_utf8_lossy(&pty.raw())
            .matches("choice [5]: ")
            .count()
    };
    until("a question", || (count() > before).then(count))
}
