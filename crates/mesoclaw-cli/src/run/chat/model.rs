//! `/model`: which model answers in this session.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::provider::ProviderDefaultGet;
use mesoclaw_api::ops::session::{SessionGet, SessionParams, SessionSetModel, SetModelParams};

use crate::exit::CliResult;
use crate::run::chat::Chat;
use crate::run::editor::Input;
use crate::run::offer::{self, Consent};

/// The word for the default model.
const DEFAULT: &str = "-";

impl Chat {
    pub(super) async fn choose_model(&mut self, model: Option<String>) -> CliResult<()> {
        let Some(model) = model else {
            let text = self.model_text().await?;
            return self.editor.print(&format!("{text}\n"));
        };
        let model = (model != DEFAULT).then_some(model);
        let text = match &model {
            Some(model) => format!("(model {model} from here on)\n"),
            None => "(the default model from here on)\n".to_owned(),
        };
        self.model.clone_from(&model);
        self.is_model_for_session = true;
        if self.conversation.session_id.is_some() {
            self.keep_model().await?;
        }
        self.editor.print(&text)?;
        self.offer_for(model.as_deref()).await
    }

    /// Makes the chosen model the session's.
    pub(super) async fn keep_model(&mut self) -> CliResult<()> {
        let Some(session_id) = self.conversation.session_id.clone() else {
            return Ok(());
        };
        if !std::mem::take(&mut self.is_model_for_session) {
            return Ok(());
        }
        let params = SetModelParams {
            session_id,
            model: self.model.take(),
        };
        self.conversation.call::<SessionSetModel>(params).await?;
        Ok(())
    }

    async fn model_text(&self) -> CliResult<String> {
        if let Some(model) = &self.model {
            return Ok(model.clone());
        }
        if let Some(session_id) = self.conversation.session_id.clone() {
            let params = SessionParams { session_id };
            let detail = self.conversation.call::<SessionGet>(params).await?;
            if let Some(model) = detail.summary.session.model {
                return Ok(format!("{model} (of this session)"));
            }
        }
        let default = self.conversation.call::<ProviderDefaultGet>(NoParams {});
        Ok(match default.await? {
            Some(default) => format!("{}:{} (default)", default.provider_id, default.model_id),
            None => "none is set up; `mesoclaw setup` does that".to_owned(),
        })
    }

    /// Another model may need another key of this shell.
    async fn offer_for(&mut self, model: Option<&str>) -> CliResult<()> {
        self.offered.refused.clear();
        for wanted in offer::wanted(&self.conversation.link.client, model).await? {
            let consent = if wanted.is_agreed {
                Consent::Earlier
            } else if self.editor.is_terminal() {
                self.editor.ask(&offer::question(&wanted));
                match self.editor.next().await {
                    Input::Line(line) => offer::consent(&line),
                    Input::Interrupt | Input::End => Consent::No,
                }
            } else {
                Consent::No
            };
            let client = &self.conversation.link.client;
            offer::settle(client, &mut self.offered, wanted, consent).await?;
        }
        self.conversation.lent.clone_from(&self.offered.lent);
        Ok(())
    }
}
