//! The chat template of a model file, rendered so that no message can act as markup.
//!
//! A template never sees the text of a message: it gets a mark instead, and the rendered prompt
//! comes back in pieces. Only the template's own pieces are read for special tokens.

use mesoclaw_agent::model::{ModelMessage, ToolDefinition};
use mesoclaw_api::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, Error, ErrorKind, context};

use crate::calls;

/// The template used when a file has none that renders.
const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
/// Steps a template may take; a real one takes some hundreds a message.
const FUEL: u64 = 2_000_000;
const NAME: &str = "chat";
const MARK_START: char = '\u{1}';
const MARK_END: char = '\u{2}';

/// A part of a prompt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    /// From the template: special tokens count.
    Markup(String),
    /// From a person, a tool or the system text: special tokens are plain text.
    Text(String),
    /// From the model: plain text too, and perhaps still in the cache as it was generated.
    Answer(String),
}

/// One message as a template sees it.
struct Message {
    role: &'static str,
    content: String,
}

/// A chat template.
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    /// Whether the template takes tools and explains calls in the form the engine reads.
    has_tools: bool,
}

impl ChatTemplate {
    /// The template of a model file, or ChatML.
    pub(crate) fn new(source: Option<String>, bos: String, eos: String) -> Self {
        let mut environment = environment();
        let has_tools = source.as_deref().is_some_and(explains_calls);
        let parsed = source.map(|source| environment.add_template_owned(NAME, source));
        match parsed {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "the chat template of the model file does not parse, using ChatML");
                add_chatml(&mut environment);
            }
            None => {
                tracing::warn!("the model file has no chat template, using ChatML");
                add_chatml(&mut environment);
            }
        }
        Self {
            environment,
            bos,
            eos,
            has_tools,
        }
    }

    /// The prompt for this conversation, in pieces.
    pub(crate) fn render(
        &self,
        system: &str,
        messages: &[ModelMessage],
        tools: &[ToolDefinition],
    ) -> Vec<Piece> {
        if self.has_tools {
            let conversation = Conversation::plain(system, &turns(messages, "tool"));
            match self.attempt(&self.environment, &conversation, tools) {
                Ok(pieces) => return pieces,
                Err(error) => {
                    tracing::debug!(%error, "the chat template of the model file does not take these tools");
                }
            }
        }
        let system = calls::system_text(system, tools);
        let turns = turns(messages, "user");
        let plain = Conversation::plain(&system, &turns);
        if let Ok(pieces) = self.attempt(&self.environment, &plain, &[]) {
            return pieces;
        }
        // Some templates know no system role or want user and assistant to alternate.
        let strict = Conversation::strict(&system, &turns);
        match self.attempt(&self.environment, &strict, &[]) {
            Ok(pieces) => pieces,
            Err(error) => {
                tracing::warn!(%error, "the chat template of the model file does not render, using ChatML");
                let mut fallback = environment();
                add_chatml(&mut fallback);
                self.attempt(&fallback, &plain, &[])
                    .unwrap_or_else(|error| {
                        tracing::error!(%error, "ChatML does not render");
                        plain.texts
                    })
            }
        }
    }

    fn attempt(
        &self,
        environment: &Environment<'static>,
        conversation: &Conversation,
        tools: &[ToolDefinition],
    ) -> Result<Vec<Piece>, Error> {
        let messages: Vec<Value> = conversation
            .messages
            .iter()
            .map(|message| context! { role => message.role, content => message.content.as_str() })
            .collect();
        let offered = if tools.is_empty() {
            Value::from(())
        } else {
            Value::from(Serde(calls::for_template(tools)))
        };
        let rendered = environment.get_template(NAME)?.render(context! {
            messages => messages,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            add_generation_prompt => true,
            // Models that can think aloud would put that into the answer.
            enable_thinking => false,
            tools => offered,
            documents => (),
        })?;
        let pieces = split(&rendered, &conversation.texts);
        let n_texts = pieces
            .iter()
            .filter(|piece| !matches!(piece, Piece::Markup(_)))
            .count();
        if n_texts < conversation.texts.len() {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "the template leaves out a message",
            ));
        }
        if !tools.iter().all(|tool| rendered.contains(&tool.name)) {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "the template leaves out a tool",
            ));
        }
        Ok(pieces)
    }
}

/// The messages with marks for texts, and the texts.
struct Conversation {
    messages: Vec<Message>,
    texts: Vec<Piece>,
}

impl Conversation {
    fn plain(system: &str, turns: &[(&'static str, String)]) -> Self {
        let mut conversation = Self {
            messages: Vec::new(),
            texts: Vec::new(),
        };
        if !system.is_empty() {
            conversation.add("system", system);
        }
        for (role, text) in turns {
            conversation.add(role, text);
        }
        conversation
    }

    /// No system role, and never two messages of one role in a row.
    fn strict(system: &str, turns: &[(&'static str, String)]) -> Self {
        let mut conversation = Self {
            messages: Vec::new(),
            texts: Vec::new(),
        };
        if !system.is_empty() {
            conversation.add("user", system);
        }
        for (role, text) in turns {
            let is_same = conversation
                .messages
                .last()
                .is_some_and(|last| last.role == *role);
            if !is_same {
                conversation.add(role, text);
                continue;
            }
            let mark = conversation.mark(role, text);
            if let Some(last) = conversation.messages.last_mut() {
                last.content.push_str("\n\n");
                last.content.push_str(&mark);
            }
        }
        conversation
    }

    fn add(&mut self, role: &'static str, text: &str) {
        let content = self.mark(role, text);
        self.messages.push(Message { role, content });
    }

    fn mark(&mut self, role: &str, text: &str) -> String {
        let mark = format!("{MARK_START}{}{MARK_END}", self.texts.len());
        self.texts.push(if role == "assistant" {
            Piece::Answer(text.to_owned())
        } else {
            Piece::Text(text.to_owned())
        });
        mark
    }
}

/// Roles and texts. What a tool said has the role `tool` where a template knows it and puts its
/// own tags around it.
fn turns(messages: &[ModelMessage], result_role: &'static str) -> Vec<(&'static str, String)> {
    messages
        .iter()
        .map(|message| match message {
            ModelMessage::User { text, .. } => ("user", text.clone()),
            ModelMessage::Assistant { text, calls } => {
                ("assistant", calls::answer_text(text, calls))
            }
            ModelMessage::ToolResult { output, .. } if result_role == "tool" => {
                (result_role, output.clone())
            }
            ModelMessage::ToolResult { output, .. } => (result_role, calls::result_text(output)),
        })
        .collect()
}

/// Whether a template tells the model of tools and of calls the way the engine reads them: JSON
/// between tags. Other families have forms of their own.
fn explains_calls(source: &str) -> bool {
    let has = |text: &str| source.contains(text);
    has("tools") && has(calls::OPENER) && has("arguments") && !has("<function=")
}

fn split(rendered: &str, texts: &[Piece]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut markup = String::new();
    let mut rest = rendered;
    while let Some((before, after)) = rest.split_once(MARK_START) {
        markup.push_str(before);
        rest = after;
        let found = after.split_once(MARK_END).and_then(|(number, behind)| {
            let text = texts.get(number.parse::<usize>().ok()?)?;
            Some((text, behind))
        });
        if let Some((text, behind)) = found {
            if !markup.is_empty() {
                pieces.push(Piece::Markup(std::mem::take(&mut markup)));
            }
            pieces.push(text.clone());
            rest = behind;
        }
    }
    markup.push_str(rest);
    if !markup.is_empty() {
        pieces.push(Piece::Markup(markup));
    }
    pieces
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // The white space rules every author of a chat template counts on.
    let mut syntax = SyntaxConfig::builder();
    match syntax.trim_blocks(true).lstrip_blocks(true).build() {
        Ok(syntax) => environment.set_syntax(syntax),
        Err(error) => tracing::error!(%error, "the syntax of chat templates cannot be set"),
    }
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function(
        "raise_exception",
        |message: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        },
    );
    // The built-in filter escapes for web pages, which no model was trained on. A `<` alone has to
    // be escaped, so that no description of a tool can act as markup.
    environment.add_filter("tojson", |value: Value, _options: Kwargs| {
        calls::spaced(&value).replace('<', "\\u003c")
    });
    environment.add_function("strftime_now", |format: String| {
        strftime(Timestamp::now().as_str(), &format)
    });
    environment
}

fn add_chatml(environment: &mut Environment<'static>) {
    if let Err(error) = environment.add_template(NAME, CHATML) {
        tracing::error!(%error, "ChatML does not parse");
    }
}

/// The directives chat templates use, of a time in RFC 3339 form.
fn strftime(now: &str, format: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let part = |range: std::ops::Range<usize>| now.get(range).unwrap_or_default();
    let month = part(5..7)
        .parse::<usize>()
        .ok()
        .and_then(|month| MONTHS.get(month.wrapping_sub(1)))
        .copied()
        .unwrap_or_default();
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('Y') => text.push_str(part(0..4)),
            Some('m') => text.push_str(part(5..7)),
            Some('d') => text.push_str(part(8..10)),
            Some('H') => text.push_str(part(11..13)),
            Some('M') => text.push_str(part(14..16)),
            Some('S') => text.push_str(part(17..19)),
            Some('B') => text.push_str(month),
            Some('b') => text.push_str(month.get(..3).unwrap_or_default()),
            Some(other) => {
                text.push('%');
                text.push(other);
            }
            None => text.push('%'),
        }
    }
    text
}

#[cfg(test)]
mod tests;
