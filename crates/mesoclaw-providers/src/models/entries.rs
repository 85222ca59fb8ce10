//! Lists of models as makers write them.

use serde_json::Value;

use super::ListedModel;
use crate::dialect::Dialect;
use crate::ollama::show::Shown;

/// Kinds of models that answer no prompt, as lists call them.
const SILENT_KINDS: [&str; 10] = [
    "embedding",
    "embeddings",
    "image",
    "audio",
    "video",
    "rerank",
    "moderation",
    "speech",
    "transcribe",
    "transcription",
];

/// One page of a list.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Page {
    pub(super) models: Vec<ListedModel>,
    /// `owned_by` of its first model: local servers put their own name there.
    pub(super) origin: String,
    /// What the next page is asked with.
    pub(super) cursor: Option<String>,
}

/// Reads a page; `None` = it is not one.
pub(super) fn read(dialect: Dialect, page: &Value) -> Option<Page> {
    let (list, cursor) = match dialect {
        Dialect::Anthropic => {
            let has_more = page["has_more"].as_bool() == Some(true);
            (&page["data"], has_more.then(|| text(&page["last_id"])))
        }
        Dialect::Gemini => (&page["models"], Some(text(&page["nextPageToken"]))),
        Dialect::Cohere => (&page["models"], Some(text(&page["next_page_token"]))),
        Dialect::Ollama => (&page["models"], None),
        // Together sends the bare list.
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Azure | Dialect::Local => {
            (if page.is_array() { page } else { &page["data"] }, None)
        }
    };
    let list = list.as_array()?;
    let entry = match dialect {
        Dialect::Anthropic => anthropic,
        Dialect::Gemini => gemini,
        Dialect::Cohere => cohere,
        Dialect::Ollama => ollama,
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Azure | Dialect::Local => openai,
    };
    Some(Page {
        models: list
            .iter()
            .filter_map(entry)
            .filter(|model| !model.id.is_empty())
            .collect(),
        origin: list
            .first()
            .map(|first| text(&first["owned_by"]))
            .unwrap_or_default(),
        cursor: cursor.filter(|cursor| !cursor.is_empty()),
    })
}

/// OpenAI's list says nothing beside the id; what compatible servers add is read where they put it.
fn openai(entry: &Value) -> Option<ListedModel> {
    let kind = entry["type"].as_str().unwrap_or_default();
    if SILENT_KINDS.contains(&kind) {
        return None;
    }
    let context = [
        &entry["context_length"],                 // OpenRouter, Together, Moonshot
        &entry["max_model_len"],                  // vLLM
        &entry["context_window"],                 // Groq, Vercel
        &entry["max_context_length"],             // Mistral
        &entry["meta"]["n_ctx_train"],            // llama.cpp
        &entry["providers"][0]["context_length"], // Hugging Face
    ];
    Some(ListedModel {
        id: text(&entry["id"]),
        context_limit: context.into_iter().find_map(tokens),
        supports_tools: entry["capabilities"]["function_calling"]
            .as_bool()
            .or_else(|| contains(&entry["supported_parameters"], "tools"))
            .or_else(|| contains(&entry["tags"], "tool-use"))
            .or_else(|| entry["providers"][0]["supports_tools"].as_bool()),
        supports_vision: entry["capabilities"]["vision"]
            .as_bool()
            .or_else(|| entry["supports_image_in"].as_bool())
            .or_else(|| contains(&entry["architecture"]["input_modalities"], "image"))
            .or_else(|| contains(&entry["tags"], "vision")),
    })
}

fn anthropic(entry: &Value) -> Option<ListedModel> {
    Some(ListedModel {
        id: entry["id"].as_str()?.to_owned(),
        context_limit: tokens(&entry["max_input_tokens"]),
        supports_tools: None,
        supports_vision: entry["capabilities"]["image_input"]["supported"].as_bool(),
    })
}

fn gemini(entry: &Value) -> Option<ListedModel> {
    let name = entry["name"].as_str()?;
    let answers = contains(&entry["supportedGenerationMethods"], "generateContent");
    (answers != Some(false)).then(|| ListedModel {
        id: name.strip_prefix("models/").unwrap_or(name).to_owned(),
        context_limit: tokens(&entry["inputTokenLimit"]),
        supports_tools: None,
        supports_vision: None,
    })
}

fn cohere(entry: &Value) -> Option<ListedModel> {
    let answers = contains(&entry["endpoints"], "chat");
    (answers != Some(false)).then(|| ListedModel {
        id: text(&entry["name"]),
        context_limit: tokens(&entry["context_length"]),
        supports_tools: contains(&entry["features"], "tools"),
        supports_vision: entry["supports_vision"]
            .as_bool()
            .or_else(|| contains(&entry["features"], "vision")),
    })
}

fn ollama(entry: &Value) -> Option<ListedModel> {
    let name = entry["model"].as_str().or(entry["name"].as_str())?;
    Some(ListedModel {
        id: name.to_owned(),
        ..ListedModel::default()
    })
}

/// Ollama's `/api/show`. The context is the one a request will have.
pub(super) fn learn_shown(shown: &Shown, model: &mut ListedModel) {
    model.context_limit = shown.context_limit();
    model.supports_tools = shown.can("tools");
    model.supports_vision = shown.can("vision");
}

/// llama.cpp's `/props`: the context of a slot, and whether there is a projector for images.
pub(super) fn learn_props(props: &Value, model: &mut ListedModel) {
    if let Some(context) = tokens(&props["default_generation_settings"]["n_ctx"]) {
        model.context_limit = Some(context);
    }
    model.supports_vision = props["modalities"]["vision"]
        .as_bool()
        .or(model.supports_vision);
    model.supports_tools = props["chat_template_caps"]["supports_tools"]
        .as_bool()
        .or(model.supports_tools);
}

/// LM Studio's own list, in its first or second form; `false` = it is neither.
pub(super) fn learn_lm_studio(list: &Value, models: &mut [ListedModel]) -> bool {
    let Some(known) = list["data"].as_array().or(list["models"].as_array()) else {
        return false;
    };
    for model in models {
        let of_model = |entry: &&Value| {
            [&entry["id"], &entry["key"]].contains(&&Value::from(model.id.as_str()))
        };
        let Some(entry) = known.iter().find(of_model) else {
            continue;
        };
        let context = [
            &entry["loaded_context_length"],
            &entry["loaded_instances"][0]["config"]["context_length"],
            &entry["max_context_length"],
        ];
        model.context_limit = context.into_iter().find_map(tokens);
        model.supports_tools = entry["capabilities"]["trained_for_tool_use"]
            .as_bool()
            .or_else(|| contains(&entry["capabilities"], "tool_use"));
        model.supports_vision = entry["capabilities"]["vision"]
            .as_bool()
            .or_else(|| (entry["type"] == "vlm").then_some(true));
    }
    true
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn tokens(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?)
        .ok()
        .filter(|tokens| *tokens > 0)
}

/// Whether a list of words has this one; `None` = there is no list.
fn contains(list: &Value, word: &str) -> Option<bool> {
    let list = list.as_array()?;
    Some(list.iter().any(|entry| entry.as_str() == Some(word)))
}
