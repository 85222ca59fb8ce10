//! Makes a history that is too long for the model shorter.

use mesoclaw_api::{Item, ItemBody};

/// Drops the older half of a history, and a little more: what is kept begins with something a
/// person said, so no result stands without its call. System texts are kept. A resumed turn has
/// its own question in the history, so there the last one stays. Says whether it became shorter.
pub(super) fn shrink(history: &mut Vec<Item>, is_resumed: bool) -> bool {
    let is_question = |item: &Item| matches!(item.body, ItemBody::User { .. });
    let middle = history.len().div_ceil(2);
    let later = history.iter().skip(middle).position(is_question);
    let cut = match later {
        Some(after_middle) => middle + after_middle,
        None if is_resumed => history.iter().rposition(is_question).unwrap_or(0),
        None => history.len(),
    };
    let before = history.len();
    let mut at = 0;
    history.retain(|item| {
        let is_kept = at >= cut || matches!(item.body, ItemBody::System { .. });
        at += 1;
        is_kept
    });
    history.len() < before
}
