//! Handlers of `credential.*`. None of them answers with a secret.

use mesoclaw_api::ops::credential::{
    AgreeParams, BindAnswer, BindParams, CredentialApi, DeleteAnswer, ExistsAnswer, KeyParams,
    KeyStoreStatus, LendParams, MigrateAnswer, MigrateParams, OfferParams, ProtectParams,
    SetParams, UnlockParams, WantedVariable,
};
use mesoclaw_api::ops::{Done, NoParams};
use mesoclaw_api::{ApiError, ApiResult, CallCtx, ErrorCode};

use crate::core::Core;
use crate::models::setting::{ProviderSetting, origin_of};
use crate::ops::provider::check_variable;

/// Variables a client may offer at once.
const MAX_OFFERED: usize = 64;
/// What the names of keys of providers begin with.
const API_KEY: &str = "api_key:";

impl CredentialApi for Core {
    async fn set(&self, _cx: CallCtx, params: SetParams) -> ApiResult<Done> {
        self.inner
            .keys
            .set(&params.key, params.value.secret())
            .await?;
        self.inner.models.forget_clients();
        if let Some(provider_id) = params.key.strip_prefix(API_KEY) {
            // Whatever it failed for, it may be over now.
            self.inner.circuits.succeeded(provider_id);
        }
        // The first key of a provider goes where the provider is now. A later one goes where the
        // one before went: an address that changed meanwhile asks first, as always.
        if let Some(provider_id) = params.key.strip_prefix(API_KEY) {
            match self.inner.models.find_setting(provider_id).await? {
                Some(setting) if setting.origin().is_some() => {
                    self.inner.keys.bind_first(&setting).await?;
                }
                Some(_) | None => self.inner.keys.bind_later(provider_id).await?,
            }
        }
        Ok(Done {})
    }

    async fn list(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Vec<String>> {
        self.inner.keys.names().await
    }

    async fn status(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<KeyStoreStatus> {
        self.inner.keys.status().await
    }

    async fn migrate(&self, _cx: CallCtx, params: MigrateParams) -> ApiResult<MigrateAnswer> {
        self.inner.keys.migrate(params).await
    }

    async fn unlock(&self, _cx: CallCtx, params: UnlockParams) -> ApiResult<Done> {
        let passphrase = params.passphrase.secret().clone();
        self.inner.keys.unlock(passphrase).await?;
        Ok(Done {})
    }

    async fn protect(&self, _cx: CallCtx, params: ProtectParams) -> ApiResult<KeyStoreStatus> {
        self.inner.keys.protect(params).await
    }

    async fn bind(&self, _cx: CallCtx, params: BindParams) -> ApiResult<BindAnswer> {
        let setting = self.inner.models.setting(&params.provider_id).await?;
        if let Some(shown) = &params.origin {
            same_origin(&setting, shown)?;
        }
        let origin = self.inner.keys.bind(&setting).await?;
        Ok(BindAnswer { origin })
    }

    async fn offer(&self, _cx: CallCtx, params: OfferParams) -> ApiResult<Vec<WantedVariable>> {
        if params.variables.len() > MAX_OFFERED {
            return Err(ApiError::new(
                ErrorCode::Validation,
                format!("at most {MAX_OFFERED} variables can be offered at once"),
            ));
        }
        let mut wanted = Vec::new();
        let model = params.model.as_deref();
        for setting in self.inner.models.candidates(model).await? {
            let variable = self.inner.keys.wanted(&params.variables, &setting).await?;
            wanted.extend(variable);
        }
        Ok(wanted)
    }

    async fn lend(&self, cx: CallCtx, params: LendParams) -> ApiResult<Done> {
        self.inner
            .keys
            .lend(
                cx.connection,
                &params.variable,
                params.value.secret(),
                params.remember,
            )
            .await?;
        Ok(Done {})
    }

    async fn agree(&self, _cx: CallCtx, params: AgreeParams) -> ApiResult<Done> {
        if params.agree {
            check_variable(&params.variable)?;
        }
        self.inner
            .keys
            .agree(&params.variable, params.agree)
            .await?;
        Ok(Done {})
    }

    async fn agreed(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Vec<String>> {
        self.inner.keys.agreed().await
    }

    async fn delete(&self, _cx: CallCtx, params: KeyParams) -> ApiResult<DeleteAnswer> {
        let deleted = self.inner.keys.delete(&params.key).await?;
        self.inner.models.forget_clients();
        Ok(DeleteAnswer { deleted })
    }

    async fn value(&self, cx: CallCtx, params: KeyParams) -> ApiResult<ExistsAnswer> {
        CredentialApi::exists(self, cx, params).await
    }

    async fn exists(&self, _cx: CallCtx, params: KeyParams) -> ApiResult<ExistsAnswer> {
        let exists = self.inner.keys.exists(&params.key).await?;
        Ok(ExistsAnswer { exists })
    }
}

/// Somebody agreed to the host they were shown, and to no other.
fn same_origin(setting: &ProviderSetting, shown: &str) -> ApiResult<()> {
    let shown = origin_of(shown).unwrap_or_else(|| shown.to_owned());
    match setting.origin() {
        Some(now) if now != shown => Err(ApiError::new(
            ErrorCode::Conflict,
            format!("the address changed meanwhile: it is now at {now}"),
        )
        .with_hint(format!(
            "if that is right, let the key go there: `mesoclaw key confirm {}`",
            setting.id
        ))),
        Some(_) | None => Ok(()),
    }
}
