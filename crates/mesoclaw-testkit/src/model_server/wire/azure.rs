//! What Azure OpenAI does differently from OpenAI: its first chunk and its error objects. The
//! rest of an answer is written by the chat completions format.
//!
//! Read for it on 2026-11-22: MicrosoftDocs/azure-ai-docs, `articles/foundry/openai/reference.md`
//! (2026-05-19) and `api-version-lifecycle.md` (2026-02-06);
//! <https://learn.microsoft.com/answers/questions/1241073> for the 404 of a wrong `api-version`;
//! the chunk without choices as streams recorded in September 2025 have it.

use serde_json::{Value, json};

/// The chunk that comes before all others.
pub(super) fn first_chunk() -> Value {
    json!({
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": prompt_filter_results(),
    })
}

/// The verdict of the content filter on the prompt.
pub(super) fn prompt_filter_results() -> Value {
    let safe = json!({"filtered": false, "severity": "safe"});
    json!([{
        "prompt_index": 0,
        "content_filter_results": {
            "hate": safe, "self_harm": safe, "sexual": safe, "violence": safe,
        },
    }])
}

/// The error object Azure sends with a status.
pub(super) fn error(status: u16) -> Value {
    let (code, message) = match status {
        401 => (
            "401",
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to \
             provide a valid key for an active subscription and use a correct regional API \
             endpoint for your resource.",
        ),
        403 => (
            "403",
            "Access denied due to Virtual Network/Firewall rules.",
        ),
        404 => (
            "DeploymentNotFound",
            "The API deployment for this resource does not exist. If you created the deployment \
             within the last 5 minutes, please wait a moment and try again.",
        ),
        408 => ("Timeout", "The operation was timeout."),
        429 => (
            "429",
            "Requests to the ChatCompletions_Create Operation have exceeded call rate limit of \
             your current pricing tier. Please retry after 7 seconds.",
        ),
        500.. => (
            "InternalServerError",
            "Backend returned unexpected response.",
        ),
        _ => ("BadRequest", "The request is not valid."),
    };
    json!({"error": {"code": code, "message": message}})
}

/// The answer to a path or an `api-version` that does not exist.
pub(super) fn not_found() -> Value {
    json!({"error": {"code": "404", "message": "Resource not found"}})
}
