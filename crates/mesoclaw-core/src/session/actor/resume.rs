//! Takes up a turn that broke off, and finds the model that answers.

use mesoclaw_agent::turn::Event;
use mesoclaw_api::ops::chat::Sent;
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, Item, ItemBody, ItemId, Surface, Timestamp};
use mesoclaw_store::repo::{session, turn as turn_repo};

use crate::error::from_store;
use crate::models::{ResolvedModel, Wanted};
use crate::session::actor::{Actor, may_go_on};
use crate::session::command::{Reply, answer};
use crate::session::teller::Step;
use crate::session::turn_start::{Begin, TurnStart};
use crate::session::write::Write;

impl Actor {
    pub(super) async fn continue_turn(
        &mut self,
        surface: Surface,
        model: Option<String>,
        connection: u64,
        decided: Option<Event>,
        reply: Reply<Sent>,
    ) {
        let model = match self.check_continue(model.as_deref(), connection).await {
            Ok(model) => model,
            Err(error) => {
                self.keep_decision(decided).await;
                return answer(reply, Err(error));
            }
        };
        self.hear_answers(decided.as_ref()).await;
        let session_id = self.session_id.clone();
        let outcome = self.run_turn(TurnStart {
            session_id: session_id.clone(),
            surface,
            model,
            begin: Begin::Resume { decided },
            before: Vec::new(),
            after_first_write: Box::new(move |turn_id| {
                let sent = Sent {
                    session_id,
                    turn_id: Some(turn_id.clone()),
                    queue_id: None,
                    item_id: None,
                    is_duplicate: false,
                };
                vec![Step::then(move |stored| {
                    answer(reply, stored.map(|()| sent));
                })]
            }),
        });
        if may_go_on(&outcome.await) {
            self.run_queue().await;
        }
    }

    /// An answer that cannot be acted on now is stored: the next resumed turn finds it.
    pub(super) async fn keep_decision(&self, decided: Option<Event>) {
        let Some(Event::ApprovalResolved {
            call_id,
            approval_id,
            decision,
            reason,
        }) = decided
        else {
            return;
        };
        let body = ItemBody::Approval {
            approval_id,
            call_id,
            decision,
            reason,
        };
        let item = Item {
            id: ItemId::random(),
            session_id: self.session_id.clone(),
            turn_id: None,
            position: 0,
            created_at: Timestamp::now(),
            body,
        };
        self.teller.put(vec![Step::from(Write::Item(item))]).await;
        self.teller.flushed().await;
    }

    async fn check_continue(
        &self,
        model: Option<&str>,
        connection: u64,
    ) -> ApiResult<ResolvedModel> {
        let id = self.session_id.clone();
        let last = self
            .parts
            .store
            .read(move |conn| turn_repo::last(conn, &id))
            .await
            .map_err(from_store)?;
        let is_resumable = last
            .and_then(|turn| turn.outcome)
            .is_some_and(|outcome| outcome.is_resumable());
        if !is_resumable {
            return Err(ApiError::new(
                ErrorCode::Conflict,
                "there is nothing to continue: the last turn is complete",
            ));
        }
        self.resolve(model, connection).await
    }

    /// The model a message names, else the session's, else the default.
    pub(super) async fn resolve(
        &self,
        model: Option<&str>,
        connection: u64,
    ) -> ApiResult<ResolvedModel> {
        let id = self.session_id.clone();
        let of_session = match model {
            Some(_) => None,
            None => self
                .parts
                .store
                .read(move |conn| session::get(conn, &id))
                .await
                .map_err(from_store)?
                .and_then(|session| session.model),
        };
        let wanted = Wanted {
            model: model.or(of_session.as_deref()),
            connection,
        };
        self.parts.models.resolve(wanted).await
    }
}
