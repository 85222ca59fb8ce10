//! What a scripted provider answers, as data: in Rust or as JSON text.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::server_kind::{LineEnding, ServerKind};

/// What a scripted provider answers.
///
/// As JSON: `{"replies": [[{"text": "Hello"}, {"finish": "stop"}], [{"status": {"code": 429}}]]}`.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Answers of every wire format, used in this order.
    pub replies: Vec<Reply>,
    /// What comes when `replies` is used up; `None` = its last one again.
    pub default: Option<Reply>,
    /// Ids that the list of models has; empty = `test-model` alone.
    pub models: Vec<String>,
    /// A [`Step::Status`] (after a [`Step::Delay`] or not) that the list of models answers instead.
    pub models_reply: Option<Reply>,
    /// When set, a request without this key, in the header its maker wants it in, is refused.
    pub api_key: Option<String>,
    /// Which program the server passes for.
    pub server: ServerKind,
    /// The context size that lists of models and probes report; `None` = 8192.
    pub context_tokens: Option<u64>,
    /// What the models can do, in Ollama's words; empty = completion, tools, vision and thinking.
    pub capabilities: Vec<String>,
    /// Whether a model that is not in the list is unknown. Ollama knows only listed models anyway,
    /// where a list is given.
    pub has_only_listed_models: bool,
    /// Whether requests are taken that the maker would refuse.
    pub is_lenient: bool,
    /// How streams end their lines.
    pub line_ending: LineEnding,
    /// Sends answers in pieces of so many bytes; `None` = as they come.
    pub split_bytes: Option<usize>,
    /// Whether the model does what it reads: `!!CALL TOOL {JSON}` in what a person said or a tool
    /// gave becomes that call, each once, one an answer. `replies` come when nothing is left to do.
    pub is_obedient: bool,
}

/// One answer: its steps in order.
///
/// Where the steps do not say so themselves, the finish reason is the maker's word for tool calls
/// after a tool call and for a complete answer otherwise, usage is counted, and a stream ends as
/// the maker ends it.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reply {
    /// The steps.
    pub steps: Vec<Step>,
}

/// A piece of an answer, or a fault.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// One content chunk.
    Text(String),
    /// One content chunk: the text of the last message of the request.
    Echo,
    /// Many content chunks.
    Tokens {
        /// How many.
        count: u64,
        /// Chunks a second; `None` = as fast as the connection takes them.
        #[serde(default)]
        per_second: Option<f64>,
        /// Text of a chunk, `{n}` in it is its number from 0; `None` = `"{n} "`.
        #[serde(default)]
        text: Option<String>,
    },
    /// One chunk of reasoning.
    Reasoning(String),
    /// The signature of the reasoning before it: Anthropic's `signature`, Gemini's
    /// `thoughtSignature` (of the part after it), the `encrypted_content` of Responses. Anthropic
    /// and Gemini sign with a fixed text without this.
    Signature(String),
    /// What the model plans before its calls: Cohere's tool plan, text for all others.
    Plan(String),
    /// One tool call: a chunk with id and name, then one a piece of the arguments. Makers whose
    /// arguments are objects (Gemini, Ollama) send it in one piece; arguments that are not JSON
    /// are a JSON string there.
    ToolCall(CallScript),
    /// Parallel calls: in chat completions the heads of all, then the pieces of their arguments in
    /// turn; elsewhere as the maker does, one after the other or all in one piece.
    ToolCalls(Vec<CallScript>),
    /// One raw delta of a tool call. Makers that send calls whole join deltas in a row.
    ToolCallDelta {
        /// Number of the call.
        index: u32,
        /// Id; left out when `None`.
        #[serde(default)]
        id: Option<String>,
        /// Name; left out when `None`.
        #[serde(default)]
        name: Option<String>,
        /// Arguments; left out when `None`.
        #[serde(default)]
        arguments: Option<String>,
    },
    /// What usage the answer reports; in chat completions where the request asks for usage.
    Usage {
        /// Tokens of the prompt.
        prompt_tokens: u64,
        /// Tokens of the answer.
        completion_tokens: u64,
        /// The part of the prompt that came from a cache.
        #[serde(default)]
        cached_tokens: u64,
    },
    /// More of the usage.
    UsageDetails {
        /// The part of the answer that is reasoning.
        #[serde(default)]
        reasoning_tokens: u64,
        /// The part of the prompt that was written to a cache.
        #[serde(default)]
        cache_write_tokens: u64,
    },
    /// The finish reason, in the maker's own word.
    Finish(String),
    /// Wait before the answer's first byte (also before a status), in milliseconds. Later in the
    /// steps it is a [`Step::Stall`].
    Delay(u64),
    /// Everything so far is written, then nothing for this many milliseconds.
    Stall(u64),
    /// Wait this many milliseconds before every later chunk of its own (not inside `tokens`).
    Slow(u64),
    /// Answer with this status instead of an answer. Only first, or after [`Step::Delay`].
    Status {
        /// The status.
        code: u16,
        /// The body: text is sent as `text/html`, anything else as JSON; `None` = the error object
        /// of the maker.
        #[serde(default)]
        body: Option<Value>,
        /// The header `Retry-After`.
        #[serde(default)]
        retry_after: Option<String>,
        /// The header `Location`.
        #[serde(default)]
        location: Option<String>,
    },
    /// Answer with the maker's error for a prompt that is too long. Only first, or after
    /// [`Step::Delay`].
    ContextLength,
    /// The maker's error for this status in the middle of a stream, which ends with it.
    StreamError(u16),
    /// What keeps an idle stream open: a comment, Anthropic's `ping`, Ollama's blank line.
    KeepAlive,
    /// An event of a type that nobody knows.
    UnknownEvent,
    /// The first half of an event, then the connection is cut.
    CutMidEvent,
    /// The connection is cut between two events.
    Cut,
    /// The answer ends in good order, but without finish reason and end mark.
    End,
    /// An event whose data is not JSON.
    BadJson,
    /// These bytes.
    Raw(String),
}

/// A tool call in a script.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallScript {
    /// Number of the call in the answer.
    #[serde(default)]
    pub index: u32,
    /// Id.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// JSON text of the arguments, in pieces.
    pub arguments: Vec<String>,
}

impl Script {
    /// One answer to every request.
    pub fn always(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::replies([Reply::new(steps)])
    }

    /// The same text for every request, one chunk a word.
    pub fn text(text: &str) -> Self {
        Self::replies([Reply::text(text)])
    }

    /// Answers in this order; the last one for everything after.
    pub fn replies(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self {
            replies: replies.into_iter().collect(),
            ..Self::default()
        }
    }

    /// A model that does whatever it reads, and says this when nothing is left to do.
    pub fn obedient(text: &str) -> Self {
        Self {
            is_obedient: true,
            ..Self::text(text)
        }
    }

    /// The same script with its answers cut between any two bytes.
    pub fn split_everywhere(self) -> Self {
        Self {
            split_bytes: Some(1),
            ..self
        }
    }

    /// A script from its JSON text.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    pub(super) fn reply(&self, n: usize) -> Reply {
        self.replies
            .get(n)
            .or(self.default.as_ref())
            .or(self.replies.last())
            .cloned()
            .unwrap_or_else(|| Reply::text("Hello."))
    }

    pub(super) fn model_ids(&self) -> Vec<String> {
        if self.models.is_empty() {
            vec!["test-model".to_owned()]
        } else {
            self.models.clone()
        }
    }

    pub(super) fn context_tokens(&self) -> u64 {
        self.context_tokens.unwrap_or(8192)
    }

    pub(super) fn capabilities(&self) -> Vec<String> {
        if self.capabilities.is_empty() {
            let all = ["completion", "tools", "vision", "thinking"];
            all.map(str::to_owned).to_vec()
        } else {
            self.capabilities.clone()
        }
    }
}

impl Reply {
    /// An answer of these steps.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
        }
    }

    /// An answer with this text, one chunk a word.
    pub fn text(text: &str) -> Self {
        Self::new(
            text.split_inclusive(' ')
                .map(|word| Step::Text(word.to_owned())),
        )
    }

    /// A bare status with the error object of the maker.
    pub fn status(code: u16) -> Self {
        Self::new([Step::status(code)])
    }
}

impl CallScript {
    /// The calls that raw deltas come to.
    pub(super) fn join(deltas: Vec<Step>) -> Vec<Self> {
        let mut calls: Vec<Self> = Vec::new();
        for delta in deltas {
            let Step::ToolCallDelta {
                index,
                id,
                name,
                arguments,
            } = delta
            else {
                continue;
            };
            let known = calls.iter().position(|call| call.index == index);
            let at = known.unwrap_or_else(|| {
                calls.push(Self {
                    index,
                    id: String::new(),
                    name: String::new(),
                    arguments: Vec::new(),
                });
                calls.len() - 1
            });
            if let Some(call) = calls.get_mut(at) {
                call.id.push_str(&id.unwrap_or_default());
                call.name.push_str(&name.unwrap_or_default());
                call.arguments.extend(arguments);
            }
        }
        calls
    }
}

impl Step {
    /// A status without extras.
    pub fn status(code: u16) -> Self {
        Self::Status {
            code,
            body: None,
            retry_after: None,
            location: None,
        }
    }

    /// A status with a JSON body.
    pub fn status_with(code: u16, body: Value) -> Self {
        Self::Status {
            code,
            body: Some(body),
            retry_after: None,
            location: None,
        }
    }

    /// So many numbered tokens as fast as the connection takes them.
    pub fn tokens(count: u64) -> Self {
        Self::Tokens {
            count,
            per_second: None,
            text: None,
        }
    }

    /// So many numbered tokens at a rate.
    pub fn tokens_at(count: u64, per_second: f64) -> Self {
        Self::Tokens {
            count,
            per_second: Some(per_second),
            text: None,
        }
    }

    /// A tool call with number 0 and its arguments in one piece.
    pub fn tool_call(id: &str, name: &str, arguments: &Value) -> Self {
        Self::ToolCall(CallScript {
            index: 0,
            id: id.to_owned(),
            name: name.to_owned(),
            arguments: vec![arguments.to_string()],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_script_reads_from_json_and_writes_the_same() {
        let script = Script {
            replies: vec![
                Reply::new([
                    Step::Delay(5),
                    Step::Text("Hi".to_owned()),
                    Step::Echo,
                    Step::tool_call("c1", "files", &json!({"a": 1})),
                    Step::Usage {
                        prompt_tokens: 3,
                        completion_tokens: 2,
                        cached_tokens: 1,
                    },
                    Step::UsageDetails {
                        reasoning_tokens: 1,
                        cache_write_tokens: 2,
                    },
                    Step::Finish("length".to_owned()),
                ]),
                Reply::new([Step::tokens_at(10, 2.5), Step::CutMidEvent]),
            ],
            default: Some(Reply::status(500)),
            models: vec!["m".to_owned()],
            models_reply: None,
            api_key: Some("k".to_owned()),
            server: ServerKind::LlamaCpp,
            line_ending: LineEnding::Crlf,
            ..Script::default().split_everywhere()
        };
        let text = serde_json::to_string(&script).unwrap();
        assert_eq!(Script::from_json(&text).unwrap(), script);
        assert_eq!(
            Script::from_json(
                r#"{"replies": [[{"text": "a"}, "echo", {"tokens": {"count": 2}}, "keep_alive"]],
                    "server": "lm_studio"}"#
            )
            .unwrap(),
            Script {
                server: ServerKind::LmStudio,
                ..Script::always([
                    Step::Text("a".to_owned()),
                    Step::Echo,
                    Step::tokens(2),
                    Step::KeepAlive
                ])
            }
        );
    }

    #[test]
    fn replies_come_in_order_then_the_default_or_the_last() {
        let mut script = Script::replies([Reply::text("a"), Reply::text("b")]);
        assert_eq!(
            [script.reply(0), script.reply(1), script.reply(2)],
            [Reply::text("a"), Reply::text("b"), Reply::text("b")]
        );
        script.default = Some(Reply::status(503));
        assert_eq!(script.reply(2), Reply::status(503));
        assert_eq!(Script::default().reply(0), Reply::text("Hello."));
    }
}
