//! A request to Cohere: rig's native chat wire, which here sends every image.

use mesoclaw_agent::model::{GenerationParams, ModelError, ModelRequest};
use rig_core::completion::options::{OptionFields, OptionMap};
use rig_core::completion::{Accepts, CompletionRequest, Media, ReplayTarget};
use rig_core::error::EncodeError;
use rig_core::message::Api;
use rig_core::operation::Completion;
use rig_core::providers::cohere::{CohereConfig, NativeChat};
use rig_core::wire::{Descriptor, Encoded, Mode, Wire};
use serde_json::{Map, Value, json};

use crate::dialect::Outgoing;
use crate::rig_messages::{completion, encode_completion, widen};

/// Makes the request for a streamed answer.
pub(super) fn encode(base_url: &str, request: ModelRequest) -> Result<Outgoing, ModelError> {
    let provider = CohereConfig::new("").with_base_url(root(base_url));
    let wire = SeeingChat(NativeChat::new(provider, request.model.as_str()));
    let additional = additional(&request.params);
    let mut completion = completion(request)?;
    completion.additional_params = additional;
    encode_completion(&wire, completion)
}

/// The address without its version, which is part of the path.
fn root(base_url: &str) -> &str {
    let base_url = base_url.trim_end_matches('/');
    let root = base_url.strip_suffix("/v2").unwrap_or(base_url);
    root.trim_end_matches('/')
}

/// The fields that have names of their own.
fn additional(params: &GenerationParams) -> Option<Value> {
    let mut fields = Map::new();
    if let Some(top_p) = params.top_p {
        // The limits of Cohere.
        fields.insert("p".to_owned(), json!(widen(top_p.clamp(0.01, 0.99))));
    }
    if let Some(seed) = params.seed {
        fields.insert("seed".to_owned(), json!(seed));
    }
    if !params.stop.is_empty() {
        fields.insert("stop_sequences".to_owned(), json!(params.stop));
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

/// rig's wire for a model that sees, whatever its name is.
#[derive(Clone, Debug)]
struct SeeingChat(NativeChat);

impl Wire for SeeingChat {
    type Op = Completion;
    type Payload = Encoded;
    type Frame = <NativeChat as Wire>::Frame;
    type Decoder<'id> = <NativeChat as Wire>::Decoder<'id>;
    type Reassembler = <NativeChat as Wire>::Reassembler;

    fn describe(&self) -> Descriptor<'_> {
        self.0.describe().replay(self)
    }

    fn encode(&self, request: CompletionRequest, mode: Mode) -> Result<Encoded, EncodeError> {
        self.0.encode(request, mode)
    }

    fn decoder<'id>(&self) -> Self::Decoder<'id> {
        Wire::decoder(&self.0)
    }
}

impl ReplayTarget for SeeingChat {
    fn api(&self) -> Api {
        self.0.api()
    }

    fn provider(&self) -> &str {
        ReplayTarget::provider(&self.0)
    }

    fn model(&self) -> &str {
        ReplayTarget::model(&self.0)
    }

    fn accepts(&self, _model: &str) -> Accepts {
        Accepts {
            assistant_images: false,
            tool_result_images: false,
            ..Accepts::ALL
        }
    }

    fn map_options(&self, request: &CompletionRequest, fields: OptionFields<'_>) -> OptionMap {
        self.0.map_options(request, fields)
    }

    fn encodes(&self, model: &str, media: Media<'_>) -> bool {
        self.0.encodes(model, media)
    }
}

#[cfg(test)]
mod tests;
