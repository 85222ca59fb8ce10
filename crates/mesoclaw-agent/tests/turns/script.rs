//! The lines of a fixture that are not effects.
//!
//! ```text
//! limits: model_calls=3 continuations=1 repeats=3   before the first event; repeats may be left out
//! tools: read write                              or `tools: none`
//! history: user "hello"                          assistant, partial, reasoning, notice, system
//! history: call a read {"path":"x"}
//! history: result a read ok "text"               also with `taints` or `from`, as below
//! history: approval a approved
//! history: outcome interrupted                   or completed, cancelled
//!
//! user: hello                                    or a quoted text, also `"ab" * 1000`
//! resume / cancel / interrupt / timeout
//! context: ready                                 context: failed WHY
//! model: text "hello"                            model: reasoning "hm"
//! model: call 0 a read {"path":                  index, id, name (`-` = none), arguments as sent
//! model: usage in=10 cached=0 out=5
//! model: stop end                                length, tool_calls, filtered
//! model: retry 2 500ms WHY
//! model: fail rate_limited WHY | HINT
//! call a: allow                                  ask WHY, deny WHY
//! approve a / deny a / deny a: WHY / expire a
//! progress a: TEXT
//! refuse a: WHY                                  by the driver, when it should run
//! result a: ok 12ms "text"                       or error
//! result a: ok 12ms "text" from "shell"          with its source, or `taints "web x"`
//! result a: ok 12ms "text" diff "-a"             with what changed in files
//! draft / draft stored                           what the driver would store now
//! ```

use mesoclaw_agent::model::{
    GenerationParams, ModelDelta, ModelError, ModelErrorKind, StopReason, ToolDefinition,
};
use mesoclaw_agent::turn::{Context, Event, TurnLimits, TurnSetup, Verdict};
use mesoclaw_api::item::{ApprovalDecision, Provenance};
use mesoclaw_api::{
    ApprovalId, CallId, Item, ItemBody, ItemId, Surface, Timestamp, TurnOutcome, Usage,
};
use serde_json::json;

use crate::words::{
    fence_of, is_ok, milliseconds, named, number, number_of, output, quoted, text, value_of, word,
};

/// What the header of a fixture said.
pub struct Script {
    limits: TurnLimits,
    pub tools: Vec<ToolDefinition>,
    history: Vec<Item>,
}

/// A line that does something.
pub enum Step {
    Event(Event),
    Draft,
    DraftStored,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            limits: TurnLimits {
                max_model_calls: 20,
                max_continuations: 5,
                max_repeats: 3,
            },
            tools: tools("read write"),
            history: Vec::new(),
        }
    }
}

impl Script {
    pub fn setup(&self) -> TurnSetup {
        TurnSetup {
            session_id: "s".into(),
            turn_id: "t".into(),
            surface: Surface::Cli,
            model: "p:m".to_owned(),
            provider_model: "m".to_owned(),
            params: GenerationParams {
                max_tokens: Some(99),
                ..GenerationParams::default()
            },
            limits: self.limits,
        }
    }

    /// Whether the line belongs to the header; it is taken then.
    pub fn header(&mut self, line: &str, has_begun: bool) -> Result<bool, String> {
        let Some((word, rest)) = line.split_once(": ") else {
            return Ok(false);
        };
        match word {
            "limits" => {
                self.limits = TurnLimits {
                    max_model_calls: number_of(rest, "model_calls")?,
                    max_continuations: number_of(rest, "continuations")?,
                    max_repeats: match value_of(rest, "repeats") {
                        Some(value) => number(value)?,
                        None => 3,
                    },
                }
            }
            "tools" => self.tools = tools(rest),
            "history" => {
                let body = stored(rest)?;
                self.history.push(item(self.history.len(), body));
            }
            _ => return Ok(false),
        }
        if has_begun {
            return Err("the header is over".to_owned());
        }
        Ok(true)
    }

    pub fn step(&self, line: &str) -> Result<Step, String> {
        let (head, rest) = line.split_once(": ").unwrap_or((line, ""));
        let (word, call_id) = head.split_once(' ').unwrap_or((head, ""));
        Ok(Step::Event(match (word, call_id) {
            ("draft", "") => return Ok(Step::Draft),
            ("draft", "stored") => return Ok(Step::DraftStored),
            ("user", "") if !rest.is_empty() => Event::UserMessage {
                text: text(rest)?,
                images: Vec::new(),
            },
            ("resume", "") => Event::Resume,
            ("cancel", "") => Event::Cancel,
            ("interrupt", "") => Event::Interrupt,
            ("timeout", "") => Event::TurnTimedOut,
            ("low", "") => Event::BudgetLow {
                message: text(rest)?,
            },
            ("budget", "") => Event::BudgetExhausted {
                message: text(rest)?,
            },
            ("context", "") => self.context(rest)?,
            ("model", "") => model(rest)?,
            ("call", id) if !id.is_empty() => Event::CallChecked {
                call_id: id.into(),
                verdict: verdict(rest)?,
            },
            ("approve", id) => resolved(id, ApprovalDecision::Approved, rest)?,
            ("deny", id) => resolved(id, ApprovalDecision::Denied, rest)?,
            ("expire", id) => resolved(id, ApprovalDecision::TimedOut, rest)?,
            ("refuse", id) => Event::CallRefused {
                call_id: id.into(),
                reason: text(rest)?,
            },
            ("progress", id) => Event::ToolProgress {
                call_id: id.into(),
                text: text(rest)?,
            },
            ("result", id) => result(id, rest)?,
            _ => return Err("not understood".to_owned()),
        }))
    }

    fn context(&self, rest: &str) -> Result<Event, String> {
        match rest.split_once(' ').unwrap_or((rest, "")) {
            ("ready", "") => Ok(Event::ContextReady(Context {
                images: std::collections::BTreeMap::new(),
                aliases: [("old_read".to_owned(), "read".to_owned())].into(),
                system: "S".to_owned(),
                history: self.history.clone(),
                tools: self.tools.clone(),
            })),
            ("failed", message) => Ok(Event::ContextFailed {
                message: text(message)?,
            }),
            _ => Err("ready or failed WHY".to_owned()),
        }
    }
}

fn tools(names: &str) -> Vec<ToolDefinition> {
    names
        .split_whitespace()
        .filter(|name| *name != "none")
        .map(|name| ToolDefinition {
            name: name.to_owned(),
            description: format!("The tool {name}."),
            parameters: json!({"type": "object"}),
        })
        .collect()
}

pub fn item(n: usize, body: ItemBody) -> Item {
    Item {
        id: ItemId::from(format!("t0.{n}")),
        session_id: "s".into(),
        turn_id: Some("t0".into()),
        position: i64::try_from(n).unwrap_or(i64::MAX),
        created_at: Timestamp::from_unix_ms(0),
        body,
    }
}

fn stored(line: &str) -> Result<ItemBody, String> {
    let (kind, rest) = word(line);
    Ok(match kind {
        "user" => ItemBody::User {
            text: text(rest)?,
            images: Vec::new(),
        },
        "assistant" | "partial" => ItemBody::Assistant {
            text: text(rest)?,
            complete: kind == "assistant",
            model: "p:m".to_owned(),
        },
        "reasoning" => ItemBody::Reasoning { text: text(rest)? },
        "notice" => ItemBody::Notice { text: text(rest)? },
        "system" => ItemBody::System { text: text(rest)? },
        "call" => {
            let (id, rest) = word(rest);
            let (tool, args) = word(rest);
            ItemBody::ToolCall {
                call_id: id.into(),
                tool: tool.to_owned(),
                args: serde_json::from_str(args).map_err(|error| error.to_string())?,
                signature: None,
            }
        }
        "result" => {
            let (id, rest) = word(rest);
            let (tool, rest) = word(rest);
            let (how, said) = word(rest);
            let output = output(said, is_ok(how)?)?;
            ItemBody::ToolResult {
                call_id: id.into(),
                tool: tool.to_owned(),
                output: output.output,
                success: output.success,
                duration_ms: Some(1),
                diff: output.diff,
                provenance: output.source.map(|source| Provenance {
                    source: source.name,
                    taints: source.taints,
                    fence: fence_of(id),
                }),
            }
        }
        "approval" => {
            let (id, decision) = word(rest);
            ItemBody::Approval {
                approval_id: approval_of(id),
                call_id: id.into(),
                decision: named(decision)?,
                reason: None,
            }
        }
        "outcome" => ItemBody::Outcome {
            outcome: serde_json::from_value::<TurnOutcome>(json!({"status": rest}))
                .map_err(|error| error.to_string())?,
            usage: Usage::default(),
        },
        _ => return Err("not an entry".to_owned()),
    })
}

fn model(line: &str) -> Result<Event, String> {
    let (kind, rest) = word(line);
    Ok(Event::ModelDelta(match kind {
        "text" => ModelDelta::Text(quoted(rest)?),
        "reasoning" => ModelDelta::Reasoning(quoted(rest)?),
        "call" => {
            let (index, rest) = word(rest);
            let (id, rest) = word(rest);
            let (name, arguments) = word(rest);
            ModelDelta::ToolCall {
                index: number(index)?,
                id: id.trim_matches('-').to_owned(),
                name: name.trim_matches('-').to_owned(),
                arguments: arguments.to_owned(),
            }
        }
        "sign" => {
            let (index, signature) = word(rest);
            ModelDelta::CallSignature {
                index: number(index)?,
                signature: text(signature)?,
            }
        }
        "switch" => return switch(rest),
        "usage" => ModelDelta::Usage(Usage {
            input_tokens: number_of(rest, "in")?,
            cached_tokens: number_of(rest, "cached")?,
            output_tokens: number_of(rest, "out")?,
            ..Usage::default()
        }),
        "stop" => ModelDelta::Stop(match rest {
            "end" => StopReason::End,
            "length" => StopReason::Length,
            "tool_calls" => StopReason::ToolCalls,
            "filtered" => StopReason::Filtered,
            _ => return Err("not a reason to stop".to_owned()),
        }),
        "retry" => {
            let (attempt, rest) = word(rest);
            let (after, reason) = word(rest);
            return Ok(Event::ModelRetrying {
                attempt: number(attempt)?,
                after: milliseconds(after)?,
                reason: text(reason)?,
            });
        }
        "fail" => {
            let (kind, rest) = word(rest);
            let (message, hint) = rest.split_once(" | ").unwrap_or((rest, ""));
            let kind: ModelErrorKind = named(kind)?;
            let error = ModelError::new(kind, text(message)?);
            return Ok(Event::ModelFailed(if hint.is_empty() {
                error
            } else {
                error.with_hint(hint)
            }));
        }
        _ => return Err("not a thing a model does".to_owned()),
    }))
}

fn switch(line: &str) -> Result<Event, String> {
    let (model, reason) = word(line);
    let (_, provider_model) = model.split_once(':').ok_or("not a model")?;
    Ok(Event::ModelSwitched {
        model: model.to_owned(),
        provider_model: provider_model.to_owned(),
        reason: text(reason)?,
    })
}

fn verdict(line: &str) -> Result<Verdict, String> {
    let (kind, reason) = word(line);
    match kind {
        "allow" => Ok(Verdict::Allow),
        "ask" => Ok(Verdict::Ask {
            reason: text(reason)?,
        }),
        "deny" => Ok(Verdict::Deny {
            reason: text(reason)?,
        }),
        _ => Err("allow, ask WHY or deny WHY".to_owned()),
    }
}

fn resolved(id: &str, decision: ApprovalDecision, reason: &str) -> Result<Event, String> {
    Ok(Event::ApprovalResolved {
        call_id: CallId::from(id),
        approval_id: approval_of(id),
        decision,
        reason: if reason.is_empty() {
            None
        } else {
            Some(text(reason)?)
        },
    })
}

fn approval_of(call_id: &str) -> ApprovalId {
    ApprovalId::from(format!("ask-{call_id}"))
}

fn result(id: &str, line: &str) -> Result<Event, String> {
    let (how, rest) = word(line);
    let (duration, said) = word(rest);
    Ok(Event::ToolDone {
        call_id: CallId::from(id),
        output: output(said, is_ok(how)?)?,
        duration: milliseconds(duration)?,
        fence: fence_of(id),
    })
}
