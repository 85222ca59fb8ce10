//! From a method name to the handler: `Handler` is the sum of the domain traits.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::caller::CallCtx;
use crate::error::{ApiError, ApiResult, ErrorCode};
use crate::op::OpInfo;
use crate::ops;

/// Everything that implements all operations.
pub trait Handler:
    ops::daemon::DaemonApi
    + ops::events::EventsApi
    + ops::session::SessionApi
    + ops::chat::ChatApi
    + ops::approval::ApprovalApi
    + ops::grant::GrantApi
    + ops::policy::PolicyApi
    + ops::tool::ToolApi
    + ops::audit::AuditApi
    + ops::checkpoint::CheckpointApi
    + ops::system::SystemApi
    + ops::config::ConfigApi
    + ops::provider::ProviderApi
    + ops::credential::CredentialApi
    + ops::model::ModelApi
    + ops::usage::UsageApi
{
}

impl<T> Handler for T where
    T: ops::daemon::DaemonApi
        + ops::events::EventsApi
        + ops::session::SessionApi
        + ops::chat::ChatApi
        + ops::approval::ApprovalApi
        + ops::grant::GrantApi
        + ops::policy::PolicyApi
        + ops::tool::ToolApi
        + ops::audit::AuditApi
        + ops::checkpoint::CheckpointApi
        + ops::system::SystemApi
        + ops::config::ConfigApi
        + ops::provider::ProviderApi
        + ops::credential::CredentialApi
        + ops::model::ModelApi
        + ops::usage::UsageApi
{
}

const DOMAINS: &[&[OpInfo]] = &[
    ops::daemon::OPS,
    ops::events::OPS,
    ops::session::OPS,
    ops::chat::OPS,
    ops::approval::OPS,
    ops::grant::OPS,
    ops::policy::OPS,
    ops::tool::OPS,
    ops::audit::OPS,
    ops::checkpoint::OPS,
    ops::system::OPS,
    ops::config::OPS,
    ops::provider::OPS,
    ops::credential::OPS,
    ops::model::OPS,
    ops::usage::OPS,
];

/// All rows of the table, in reading order.
pub fn operations() -> impl Iterator<Item = &'static OpInfo> {
    DOMAINS.iter().flat_map(|rows| rows.iter())
}

/// The row of a method.
pub fn find(method: &str) -> Option<&'static OpInfo> {
    operations().find(|row| row.method == method)
}

/// Runs `method` on the handler.
///
/// # Errors
/// `MESO_METHOD_NOT_FOUND`, `MESO_INVALID_PARAMS`, or what the operation says.
pub async fn dispatch<H: Handler>(
    handler: &H,
    cx: CallCtx,
    method: &str,
    params: Value,
) -> ApiResult<Value> {
    let domain = method.split_once('.').map_or(method, |(domain, _)| domain);
    let answer = match domain {
        "daemon" => ops::daemon::dispatch(handler, cx, method, params).await,
        "events" => ops::events::dispatch(handler, cx, method, params).await,
        "session" | "message" | "queue" => {
            ops::session::dispatch(handler, cx, method, params).await
        }
        "chat" | "turn" => ops::chat::dispatch(handler, cx, method, params).await,
        "approval" => ops::approval::dispatch(handler, cx, method, params).await,
        "grant" => ops::grant::dispatch(handler, cx, method, params).await,
        "policy" => ops::policy::dispatch(handler, cx, method, params).await,
        "tool" => ops::tool::dispatch(handler, cx, method, params).await,
        "audit" => ops::audit::dispatch(handler, cx, method, params).await,
        "checkpoint" => ops::checkpoint::dispatch(handler, cx, method, params).await,
        "system" => ops::system::dispatch(handler, cx, method, params).await,
        "config" => ops::config::dispatch(handler, cx, method, params).await,
        "provider" => ops::provider::dispatch(handler, cx, method, params).await,
        "credential" => ops::credential::dispatch(handler, cx, method, params).await,
        "model" => ops::model::dispatch(handler, cx, method, params).await,
        "usage" => ops::usage::dispatch(handler, cx, method, params).await,
        _ => None,
    };
    answer.unwrap_or_else(|| Err(unknown_method(method)))
}

fn unknown_method(method: &str) -> ApiError {
    ApiError::new(
        ErrorCode::MethodNotFound,
        format!("there is no operation `{}`", method.escape_debug()),
    )
    .with_hint("docs/api.md lists every operation")
}

/// Params from JSON; `null` and a missing value count as an empty object.
pub(crate) fn parse_params<P: DeserializeOwned + JsonSchema>(params: Value) -> ApiResult<P> {
    let params = match params {
        Value::Null => Value::Object(serde_json::Map::new()),
        other => other,
    };
    serde_json::from_value(params).map_err(|error| {
        let problem = without_text(&error.to_string());
        ApiError::new(
            ErrorCode::InvalidParams,
            format!("invalid params: {problem}"),
        )
    })
}

/// What is wrong, without the text that was not expected: it may be a secret in the wrong place,
/// and what is said here is logged.
fn without_text(problem: &str) -> String {
    let shown = problem
        .split_once(" string \"")
        .and_then(|(begin, rest)| Some((begin, rest.rsplit_once("\", expected ")?.1)));
    match shown {
        Some((begin, expected)) => format!("{begin} string, expected {expected}"),
        None => problem.to_owned(),
    }
}

pub(crate) fn to_value<T: Serialize>(output: &T) -> ApiResult<Value> {
    serde_json::to_value(output).map_err(ApiError::unserialisable)
}
