//! Lanes: who may run beside whom, from the `Lane` column of the table.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use mesoclaw_api::Lane;
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

/// Keyed locks; a key exists only while somebody holds or waits for it.
#[derive(Default)]
pub(crate) struct Lanes {
    locks: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Lanes {
    /// Waits for the lane of a call; `None` for calls that run beside everything.
    pub async fn enter(&self, lane: Lane, params: &Value) -> Option<OwnedMutexGuard<()>> {
        let key = match lane {
            Lane::Free => return None,
            Lane::Global(name) => name.to_owned(),
            Lane::Session => format!("session {}", params.get("session_id")?.as_str()?),
        };
        Some(self.hold(key).await)
    }

    /// Waits for a lane by its name.
    pub async fn hold(&self, key: String) -> OwnedMutexGuard<()> {
        self.lock(key).lock_owned().await
    }

    fn lock(&self, key: String) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        locks.insert(key, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn same_key_waits_and_other_keys_do_not() {
        let lanes = Lanes::default();
        let first = lanes
            .enter(Lane::Session, &json!({"session_id": "a"}))
            .await;
        assert!(first.is_some());
        assert!(
            lanes
                .enter(Lane::Session, &json!({"session_id": "b"}))
                .await
                .is_some()
        );
        assert!(lanes.lock("session a".to_owned()).try_lock().is_err());
        drop(first);
        assert!(lanes.lock("session a".to_owned()).try_lock().is_ok());
        assert!(lanes.enter(Lane::Free, &json!({})).await.is_none());
    }
}
