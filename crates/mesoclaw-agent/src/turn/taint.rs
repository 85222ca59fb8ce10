//! Whether a turn is tainted: whether anything in its prompt is from outside the workspace.

use mesoclaw_api::{Item, ItemBody};

/// The source of the first tainting text among what the prompt is made of; `None` = the turn is
/// clean. What was left out of the history because it was too long no longer counts: the model
/// does not read it.
pub(super) fn taint_of(history: &[Item], own_items: &[ItemBody]) -> Option<String> {
    let history = history.iter().map(|item| &item.body);
    history.chain(own_items).find_map(|body| match body {
        ItemBody::ToolResult {
            provenance: Some(provenance),
            ..
        } if provenance.taints => Some(provenance.source.clone()),
        ItemBody::ToolResult { .. }
        | ItemBody::User { .. }
        | ItemBody::Assistant { .. }
        | ItemBody::Reasoning { .. }
        | ItemBody::ToolCall { .. }
        | ItemBody::Approval { .. }
        | ItemBody::Notice { .. }
        | ItemBody::Outcome { .. }
        | ItemBody::System { .. } => None,
    })
}
