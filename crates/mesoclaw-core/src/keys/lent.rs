//! What clients lend: key variables of their shells, offered by name, used after a yes.

use std::collections::{HashMap, VecDeque};
use std::sync::{MutexGuard, PoisonError};

use mesoclaw_api::ops::credential::WantedVariable;
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, Secret, Timestamp};
use mesoclaw_store::repo::key as repo;

use crate::error::from_store;
use crate::keys::Keys;
use crate::models::setting::ProviderSetting;

/// Connections that are remembered to be over. An operation that began on one may end after it,
/// but not after so many others.
const MAX_ENDED: usize = 256;

/// Values that clients lent.
#[derive(Default)]
pub(super) struct Lent {
    pub by_connection: HashMap<u64, HashMap<String, Secret<String>>>,
    /// Connections that ended, the latest last. No number is given twice.
    ended: VecDeque<u64>,
}

impl Lent {
    /// Keeps a value, unless nobody would ever take it away again.
    fn keep(&mut self, connection: u64, variable: &str, value: Secret<String>) {
        if !self.ended.contains(&connection) {
            let of_client = self.by_connection.entry(connection).or_default();
            of_client.insert(variable.to_owned(), value);
        }
    }

    fn end(&mut self, connection: u64) -> bool {
        if self.ended.len() >= MAX_ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(connection);
        self.by_connection.remove(&connection).is_some()
    }
}

impl Keys {
    /// Keeps the value of a client's variable while its connection lives.
    pub async fn lend(
        &self,
        connection: u64,
        variable: &str,
        value: &Secret<String>,
        remember: bool,
    ) -> ApiResult<()> {
        let value = Secret::new(value.expose().trim().to_owned());
        if value.expose().is_empty() {
            return Err(ApiError::new(
                ErrorCode::Validation,
                format!("the variable {variable} is empty"),
            ));
        }
        self.parts.redactor.add(&value);
        self.lock_lent().keep(connection, variable, value);
        if remember {
            self.agree(variable, true).await?;
        }
        Ok(())
    }

    /// A connection ended: what it lent is wiped. Says whether it had lent anything.
    pub fn connection_closed(&self, connection: u64) -> bool {
        self.lock_lent().end(connection)
    }

    fn lock_lent(&self) -> MutexGuard<'_, Lent> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub async fn agree(&self, variable: &str, agree: bool) -> ApiResult<()> {
        let variable = variable.to_owned();
        self.parts
            .database
            .write(move |tx| {
                if agree {
                    repo::consent_set(tx, &variable, &Timestamp::now()).map(|_| ())
                } else {
                    repo::consent_delete(tx, &variable).map(|_| ())
                }
            })
            .await
            .map_err(from_store)
    }

    pub async fn agreed(&self) -> ApiResult<Vec<String>> {
        self.parts
            .database
            .read(repo::consent_list)
            .await
            .map_err(from_store)
    }

    /// Which of a client's variables would give a provider the key it lacks.
    pub async fn wanted(
        &self,
        offered: &[String],
        provider: &ProviderSetting,
    ) -> ApiResult<Option<WantedVariable>> {
        let of_provider = |variable: &&String| offered.contains(*variable);
        let Some(variable) = provider.key_variables.iter().find(of_provider) else {
            return Ok(None);
        };
        if self.look(provider, 0).await.found.is_some() {
            return Ok(None);
        }
        let Some(origin) = provider.origin() else {
            return Ok(None);
        };
        Ok(Some(WantedVariable {
            variable: variable.clone(),
            provider_id: provider.id.clone(),
            origin,
            is_agreed: self.agreed().await?.contains(variable),
        }))
    }
}
