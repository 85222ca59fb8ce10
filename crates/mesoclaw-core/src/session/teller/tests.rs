//! Writes that really fail: rows of a session that does not exist are refused by the database.

use std::time::Duration;

use mesoclaw_api::ops::chat::QueuedMessage;
use mesoclaw_api::{BootId, ItemBody, SessionId, Surface, Timestamp, TurnId, TurnOutcome, Usage};
use mesoclaw_store::StoreOptions;
use mesoclaw_store::repo::queue::QueuedRow;
use mesoclaw_store::repo::turn::TurnRow;

use super::*;
use crate::ops::new_session;

struct Fixture {
    _home: tempfile::TempDir,
    teller: Teller,
    known: SessionId,
}

fn fixture(tracker: &TaskTracker) -> Fixture {
    let home = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(StoreOptions {
        path: home.path().join("mesoclaw.db"),
        readers: 1,
    })
    .unwrap();
    Fixture {
        teller: Teller::start(store, Bus::new(BootId::random()), tracker),
        known: "known".into(),
        _home: home,
    }
}

fn message(session_id: &SessionId) -> Write {
    Write::Enqueue {
        session_id: session_id.clone(),
        row: QueuedRow {
            message: QueuedMessage {
                id: mesoclaw_api::QueueId::random(),
                text: "later".to_owned(),
                model: None,
                images: Vec::new(),
                created_at: Timestamp::now(),
            },
            client_message_id: None,
            surface: Surface::Cli,
        },
    }
}

fn item(session_id: &SessionId) -> Write {
    Write::Item(Item {
        id: mesoclaw_api::ItemId::random(),
        session_id: session_id.clone(),
        turn_id: None,
        position: 0,
        created_at: Timestamp::now(),
        body: ItemBody::Notice {
            text: "n".to_owned(),
        },
    })
}

fn new_turn(session_id: &SessionId) -> Write {
    Write::NewTurn(TurnRow {
        id: TurnId::random(),
        session_id: session_id.clone(),
        surface: Surface::Cli,
        model: "m".to_owned(),
        started_at: Timestamp::now(),
    })
}

fn end() -> Write {
    Write::FinishTurn {
        turn_id: TurnId::random(),
        outcome: TurnOutcome::Interrupted,
        usage: Usage::default(),
        cost_microusd: 0,
        at: Timestamp::now(),
    }
}

async fn is_broken(teller: &Teller) -> bool {
    tokio::time::timeout(Duration::ZERO, teller.broken())
        .await
        .is_ok()
}

#[tokio::test]
async fn a_failed_change_of_the_queue_fails_alone() {
    let tracker = TaskTracker::new();
    let Fixture {
        teller,
        known,
        _home,
    } = fixture(&tracker);
    let mut session = new_session("t".to_owned(), Surface::Cli);
    session.id = known.clone();
    teller
        .stored(vec![Write::NewSession(session)])
        .await
        .unwrap();
    assert!(teller.stored(vec![message(&"gone".into())]).await.is_err());
    assert!(!is_broken(&teller).await);
    teller.stored(vec![message(&known)]).await.unwrap();
    teller.stored(vec![item(&known)]).await.unwrap();
}

#[tokio::test]
async fn a_failed_write_of_a_turn_breaks_the_turn_until_its_end() {
    let tracker = TaskTracker::new();
    let Fixture {
        teller,
        known,
        _home,
    } = fixture(&tracker);
    let mut session = new_session("t".to_owned(), Surface::Cli);
    session.id = known.clone();
    teller
        .stored(vec![Write::NewSession(session)])
        .await
        .unwrap();
    assert!(teller.stored(vec![new_turn(&"gone".into())]).await.is_err());
    assert!(is_broken(&teller).await);
    assert!(teller.stored(vec![item(&known)]).await.is_err());
    // The queue is no part of the turn and goes on.
    teller.stored(vec![message(&known)]).await.unwrap();
    assert!(teller.stored(vec![end()]).await.is_err());
    assert!(!is_broken(&teller).await);
    teller
        .stored(vec![new_turn(&known), item(&known)])
        .await
        .unwrap();
}
