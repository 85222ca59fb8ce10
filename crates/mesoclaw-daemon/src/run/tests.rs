//! The loop of the shipped daemon, with time that tests can let pass.

use mesoclaw_api::ops::chat::{ChatSend, SendParams};
use mesoclaw_api::ops::daemon::{DaemonShutdown, ShutdownParams};
use mesoclaw_api::ops::events::{Delivery, SubscribeParams};
use mesoclaw_api::{Event, Surface};
use mesoclaw_ipc::client::{Client, ClientOptions};
use mesoclaw_testkit::model_server::{ModelServer, Script};

use super::*;

/// A home whose default model is at `base_url`, and whose settings give a busy daemon every reason
/// to ask: a fallback, hints, budgets.
fn setting(home: &std::path::Path, base_url: &str) -> Setting {
    let config = format!(
        "provider_name = \"test\"\n\
         provider_model_id = \"m\"\n\
         provider_base_url = \"{base_url}\"\n\
         provider_fallbacks = [\"test:other\"]\n\
         model_fast = \"test:fast\"\n\
         budget_daily_tokens = 1000000\n"
    );
    std::fs::write(home.join("config.toml"), config).unwrap();
    let setting = Setting::load(Some(home.to_owned()), None, BTreeMap::new()).unwrap();
    setting.paths.create_directories().unwrap();
    setting
}

async fn connect(endpoint: &Endpoint) -> Client {
    loop {
        let options = ClientOptions {
            client: "test".to_owned(),
            version: "0".to_owned(),
            surface: Surface::Cli,
            subscribe: Some(SubscribeParams::default()),
        };
        match Client::connect(endpoint, options).await {
            Ok((client, _)) => return client,
            // The daemon is not there yet.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn an_idle_hour_asks_no_model() {
    let server = ModelServer::start(Script::text("Hello.")).await;
    let home = tempfile::Builder::new().prefix("mc").tempdir().unwrap();
    let setting = setting(home.path(), &server.base_url());
    let log = Log::start(&setting.paths.log_dir, &setting.snapshot.config, false).unwrap();
    let info = LockInfo {
        pid: std::process::id(),
        started_at: Timestamp::now(),
        socket: setting.paths.socket_endpoint.clone(),
        version: "0".to_owned(),
    };
    let endpoint = Endpoint::new(setting.paths.socket_endpoint.clone());
    let daemon = live(setting, info, &log);
    let visit = async {
        let client = connect(&endpoint).await;
        let mut events = client.take_events().unwrap();
        let message = SendParams {
            text: "hi".to_owned(),
            ..SendParams::default()
        };
        client.call::<ChatSend>(message).await.unwrap();
        let is_end = |delivery: &Delivery| match delivery {
            Delivery::Event(frame) => matches!(frame.event, Event::TurnFinished { .. }),
            Delivery::Lagged { .. } => false,
        };
        while !is_end(&events.next().await.unwrap()) {}
        assert_eq!(server.requests().len(), 1);

        // Only timers make paused time pass: what the daemon does by itself within the hour, it
        // does now, one timer after the other.
        let before = tokio::time::Instant::now();
        tokio::time::pause();
        tokio::time::sleep(Duration::from_hours(1)).await;
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        tokio::time::resume();
        assert!(before.elapsed() >= Duration::from_hours(1));
        let asked: Vec<_> = server.requests().into_iter().map(|r| r.path).collect();
        assert_eq!(asked, ["/v1/chat/completions"]);

        client
            .call::<DaemonShutdown>(ShutdownParams::default())
            .await
            .unwrap();
    };
    let (ended, ()) = tokio::join!(daemon, visit);
    ended.unwrap();
}
