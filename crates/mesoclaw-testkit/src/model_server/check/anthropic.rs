//! What Anthropic Messages refuse. Reference as in the wire format of the same name.

use serde_json::Value;

use super::{
    Checked, Refusal, has_text, is_base64, is_picture_type, is_tool_name, list, need, numbered,
    texts,
};

const USER_BLOCKS: &[&str] = &[
    "text",
    "image",
    "document",
    "search_result",
    "tool_result",
    "container_upload",
];

/// The last ones come from tools that the maker runs itself.
const ASSISTANT_BLOCKS: &[&str] = &[
    "text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
];

/// Checks a request.
pub(in super::super) fn anthropic(body: &Value) -> Checked {
    need(has_text(&body["model"]), || {
        "model: Field required".to_owned()
    })?;
    need(!body["max_tokens"].is_null(), || {
        "max_tokens: Field required".to_owned()
    })?;
    let max_tokens = body["max_tokens"].as_u64().unwrap_or_default();
    need(max_tokens > 0, || {
        "max_tokens: Input should be greater than or equal to 1".to_owned()
    })?;
    if body["thinking"]["type"] == "enabled" {
        let budget = body["thinking"]["budget_tokens"]
            .as_u64()
            .unwrap_or_default();
        need(budget >= 1024, || {
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
                .to_owned()
        })?;
        need(budget < max_tokens, || {
            "`max_tokens` must be greater than `thinking.budget_tokens`.".to_owned()
        })?;
    }
    need(!list(&body["messages"]).is_empty(), || {
        "messages: at least one message is required".to_owned()
    })?;
    for (n, block) in numbered(&body["system"]) {
        let is_right = block["type"] == "text" && has_text(&block["text"]);
        need(is_right, || {
            "system: text content blocks must be non-empty".to_owned()
        })
        .map_err(|refusal| refusal.at(format!("system.{n}")))?;
    }
    messages(list(&body["messages"]))?;
    tools(body)?;
    let n_marks = marks(body);
    need(n_marks <= 4, || {
        format!("A maximum of 4 blocks with cache_control may be provided. Found {n_marks}.")
    })
}

fn marks(value: &Value) -> usize {
    match value {
        Value::Array(all) => all.iter().map(marks).sum(),
        // The input of a call and the schema of a tool are not ours to look into.
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| match name.as_str() {
                "cache_control" => usize::from(!field.is_null()),
                "input" | "input_schema" => 0,
                _ => marks(field),
            })
            .sum(),
        _ => 0,
    }
}

fn messages(messages: &[Value]) -> Checked {
    let mut waiting: Vec<&str> = Vec::new();
    for (n, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        need(role == "user" || role == "assistant", || {
            format!(
                "messages: Unexpected role \"{role}\". The Messages API accepts a top-level \
                 `system` parameter, not \"system\" as an input message role."
            )
        })?;
        need(n > 0 || role == "user", || {
            "messages: first message must use the \"user\" role".to_owned()
        })?;
        let blocks = list(&message["content"]);
        let is_text = has_text(&message["content"]);
        need(is_text || !blocks.is_empty(), || {
            "messages: text content blocks must be non-empty".to_owned()
        })?;
        let of = |kind: &'static str| blocks.iter().filter(move |block| block["type"] == kind);
        let results = texts(of("tool_result"), "tool_use_id");
        if let Some(missing) = waiting.iter().find(|id| !results.contains(id)) {
            return Err(Refusal::new(format!(
                "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately \
                 after: {missing}. Each `tool_use` block must have a corresponding `tool_result` \
                 block in the next message.",
                n - 1
            )));
        }
        if let Some(unknown) = results.iter().find(|id| !waiting.contains(id)) {
            return Err(Refusal::new(format!(
                "messages.{n}.content: unexpected `tool_use_id` found in `tool_result` blocks: \
                 {unknown}. Each `tool_result` block must have a corresponding `tool_use` block \
                 in the previous message."
            )));
        }
        for (m, block) in blocks.iter().enumerate() {
            self::block(block, role, &format!("messages.{n}.content.{m}"))?;
        }
        waiting = texts(of("tool_use"), "id");
    }
    need(waiting.is_empty(), || {
        format!(
            "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately \
             after: {}.",
            messages.len() - 1,
            waiting.join(", ")
        )
    })
}

fn block(block: &Value, role: &str, at: &str) -> Checked {
    let kind = block["type"].as_str().unwrap_or_default();
    let known = if role == "user" {
        USER_BLOCKS
    } else {
        ASSISTANT_BLOCKS
    };
    need(known.contains(&kind), || {
        format!(
            "{at}: Input tag '{kind}' found using 'type' does not match any of the expected tags: \
             '{}'",
            known.join("', '")
        )
    })?;
    match kind {
        "text" => need(has_text(&block["text"]), || {
            "messages: text content blocks must be non-empty".to_owned()
        }),
        "image" => image(&block["source"], at),
        "thinking" => need(
            block["thinking"].is_string() && block["signature"].is_string(),
            || format!("{at}.thinking.signature: Field required"),
        ),
        "tool_use" => {
            let is_right = has_text(&block["id"]) && has_text(&block["name"]);
            need(is_right, || format!("{at}.tool_use.id: Field required"))?;
            need(block["input"].is_object(), || {
                format!("{at}.tool_use.input: Input should be a valid dictionary")
            })
        }
        "tool_result" => {
            for (n, inner) in numbered(&block["content"]) {
                let kind = inner["type"].as_str().unwrap_or_default();
                let is_known = ["text", "image", "document", "search_result"].contains(&kind);
                need(is_known, || {
                    format!("{at}.tool_result.content.{n}: Input tag '{kind}' is not expected")
                })?;
                self::block(inner, "user", &format!("{at}.tool_result.content.{n}"))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn image(source: &Value, at: &str) -> Checked {
    match source["type"].as_str().unwrap_or_default() {
        "base64" => {
            let media_type = source["media_type"].as_str().unwrap_or_default();
            need(is_picture_type(media_type), || {
                format!(
                    "{at}.image.source.base64.media_type: Input should be 'image/jpeg', \
                     'image/png', 'image/gif' or 'image/webp'"
                )
            })?;
            need(source["data"].as_str().is_some_and(is_base64), || {
                format!("{at}.image.source.base64.data: invalid base64 data")
            })
        }
        "url" => need(has_text(&source["url"]), || {
            format!("{at}.image.source.url.url: Field required")
        }),
        "file" => Ok(()),
        other => Err(Refusal::new(format!(
            "{at}.image.source: Input tag '{other}' found using 'type' does not match any of the \
             expected tags: 'base64', 'url', 'file'"
        ))),
    }
}

fn tools(body: &Value) -> Checked {
    for (n, tool) in numbered(&body["tools"]) {
        if !matches!(tool["type"].as_str(), None | Some("custom")) {
            continue;
        }
        need(is_tool_name(&tool["name"]), || {
            format!("tools.{n}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        })?;
        need(tool["input_schema"]["type"] == "object", || {
            format!("tools.{n}.custom.input_schema.type: Field required")
        })?;
    }
    Ok(())
}
