//! What an operation is: its name, where it stands over HTTP, who may call it.

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One row of the table as a type: the link from a name on the wire to its parameters and answer.
pub trait Operation: Send + Sync + 'static {
    /// Name on the socket, `noun.verb`.
    const METHOD: &'static str;
    /// What the caller sends.
    type Params: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
    /// What the caller gets.
    type Output: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
}

/// HTTP verb of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Reads.
    Get,
    /// Creates or does.
    Post,
    /// Replaces or changes.
    Put,
    /// Removes.
    Delete,
}

/// Who may call an operation; each level includes the ones before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Access {
    /// Anyone who reaches the endpoint.
    Public,
    /// May look.
    Read,
    /// May change conversations and data.
    Write,
    /// May change what the agent is allowed to do, keys and configuration.
    Owner,
}

/// Form of the answer over HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// 200 with the output as JSON.
    Json,
    /// 201 with the output as JSON.
    Created,
    /// 202 with the output as JSON.
    Accepted,
    /// 200 without a body.
    Empty,
    /// 204.
    NoContent,
}

/// Who may run beside whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// Runs beside everything.
    Free,
    /// One at a time for each session (the params have a `session_id`).
    Session,
    /// One at a time in the whole daemon, by name.
    Global(&'static str),
}

/// Where the HTTP body goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// Path, query and body are merged into the params object.
    Merge,
    /// The body is the value of this one field.
    Field(&'static str),
}

/// One row of the table as data.
#[derive(Clone, Copy)]
pub struct OpInfo {
    /// Name on the socket, `noun.verb`.
    pub method: &'static str,
    /// HTTP verb.
    pub verb: Verb,
    /// HTTP path, with `{field}` for params taken from the path.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Form of the answer over HTTP.
    pub reply: Reply,
    /// Who may run beside whom.
    pub lane: Lane,
    /// Where the HTTP body goes.
    pub body: Body,
    /// First sentence of the row's documentation.
    pub summary: &'static str,
    /// JSON schema of the params.
    pub params_schema: fn() -> Schema,
    /// JSON schema of the output.
    pub output_schema: fn() -> Schema,
}
