//! The fixed prompts for the choice of tools, and whether arguments fit their schema.

use mesoclaw_agent::model::{GenerationParams, ModelMessage, ModelRequest, ToolDefinition};
use serde::Deserialize;
use serde_json::Value;

/// Tools, and prompts that offer some of them.
#[derive(Deserialize)]
pub struct PromptSet {
    tools: Vec<Tool>,
    pub prompts: Vec<Prompt>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
    description: String,
    parameters: Value,
}

/// One prompt.
#[derive(Deserialize)]
pub struct Prompt {
    pub text: String,
    pub tools: Vec<String>,
    /// The tool a person would take; `None` where no tool is needed.
    pub expected: Option<String>,
}

impl PromptSet {
    pub fn load() -> Result<Self, serde_json::Error> {
        serde_json::from_str(include_str!("../tool_prompts.json"))
    }

    /// The tools a prompt offers, in its order.
    pub fn tools_of(&self, prompt: &Prompt) -> Vec<ToolDefinition> {
        let find = |name: &String| self.tools.iter().find(|tool| tool.name == *name);
        let tools = prompt.tools.iter().filter_map(find);
        tools
            .map(|tool| ToolDefinition {
                name: tool.name.clone(),
                description: tool.description.clone(),
                parameters: tool.parameters.clone(),
            })
            .collect()
    }

    /// A greedy request.
    pub fn request(&self, prompt: &Prompt, model: &str) -> ModelRequest {
        ModelRequest {
            model: model.to_owned(),
            cache_key: String::new(),
            system: "You are a helpful assistant.".to_owned(),
            messages: vec![ModelMessage::User {
                text: prompt.text.clone(),
                images: Vec::new(),
            }],
            tools: self.tools_of(prompt),
            params: GenerationParams {
                max_tokens: Some(256),
                temperature: Some(0.0),
                ..GenerationParams::default()
            },
        }
    }
}

/// Whether a value fits a schema, for the keywords these tools use.
pub fn is_valid(root: &Value, schema: &Value, value: &Value) -> bool {
    let list = |key: &str| schema.get(key).and_then(Value::as_array);
    let count = |key: &str| schema.get(key).and_then(Value::as_u64);
    let is_count = |n: usize, key: &str| count(key).is_none_or(|max| n as u64 <= max);
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
        let target = pointer.strip_prefix('#').and_then(|at| root.pointer(at));
        return target.is_some_and(|target| is_valid(root, target, value));
    }
    if let Some(parts) = list("anyOf") {
        return parts.iter().any(|part| is_valid(root, part, value));
    }
    if let Some(values) = list("enum") {
        return values.contains(value);
    }
    match (schema.get("type").and_then(Value::as_str), value) {
        (Some("string"), Value::String(text)) => is_count(text.chars().count(), "maxLength"),
        (Some("boolean"), Value::Bool(_)) => true,
        (Some("integer"), Value::Number(number)) => number.as_i64().is_some_and(|number| {
            let bound = |key: &str| schema.get(key).and_then(Value::as_i64);
            bound("minimum").is_none_or(|min| number >= min)
                && bound("maximum").is_none_or(|max| number <= max)
        }),
        (Some("array"), Value::Array(items)) => {
            let item = schema.get("items").unwrap_or(&Value::Null);
            is_count(items.len(), "maxItems") && items.iter().all(|one| is_valid(root, item, one))
        }
        (Some("object"), Value::Object(entries)) => {
            let required = list("required").map(Vec::as_slice).unwrap_or_default();
            let others = schema.get("additionalProperties");
            let has = |name: &Value| name.as_str().is_some_and(|name| entries.contains_key(name));
            required.iter().all(has)
                && entries.iter().all(|(name, value)| {
                    let named = schema.get("properties").and_then(|named| named.get(name));
                    named
                        .or(others)
                        .is_some_and(|schema| is_valid(root, schema, value))
                })
        }
        _ => false,
    }
}
