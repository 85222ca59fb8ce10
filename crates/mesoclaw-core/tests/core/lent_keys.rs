//! Keys in the shell of a client: offered by name, lent with consent, gone with the connection.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::chat::{ChatSend, SendParams, Sent};
use mesoclaw_api::ops::credential::{
    AgreeParams, CredentialAgree, CredentialAgreed, CredentialLend, CredentialOffer, LendParams,
    OfferParams, WantedVariable,
};
use mesoclaw_api::ops::provider::{CreateParams, ProviderCreate};
use mesoclaw_api::ops::session::{QueueList, SessionParams};
use mesoclaw_api::{ApiResult, ErrorCode, Event, RawCaller, SecretText};
use mesoclaw_testkit::model_server::{ModelServer, Reply, Script, Step};

use crate::support::{Bench, QUICK, authorization, endpoint};

const KEY: &str = "key-of-a-shell-123";

async fn bench_with(server: &ModelServer, config: &str) -> Bench {
    let bench = Bench::configured(config).await;
    bench.keep_keys().await;
    for (id, variable) in [("one", "ONE_KEY"), ("two", "TWO_KEY")] {
        bench
            .call::<ProviderCreate>(CreateParams {
                api_key_env: Some(variable.to_owned()),
                ..endpoint(id, server)
            })
            .await
            .unwrap();
    }
    bench
}

fn offer(variables: &[&str]) -> OfferParams {
    OfferParams {
        variables: variables.iter().map(|&name| name.to_owned()).collect(),
        model: None,
    }
}

fn lend(variable: &str, value: &str, remember: bool) -> LendParams {
    LendParams {
        variable: variable.to_owned(),
        value: SecretText::new(value.to_owned()),
        remember,
    }
}

async fn send_over(bench: &Bench, connection: u64) -> ApiResult<Sent> {
    let params = SendParams {
        text: "hi".to_owned(),
        ..SendParams::default()
    };
    bench.call_over::<ChatSend>(connection, params).await
}

#[tokio::test]
async fn only_a_variable_that_would_help_is_asked_for() {
    let server = ModelServer::start(Script::text("hello")).await;
    let fallbacks = format!("{QUICK}provider_fallbacks = [\"two:m\"]\n");
    let wanted = |id: &str, variable: &str, is_agreed| WantedVariable {
        variable: variable.to_owned(),
        provider_id: id.to_owned(),
        origin: format!("http://{}", server.addr()),
        is_agreed,
    };
    let bench = bench_with(&server, QUICK).await;
    let all = offer(&["PATH", "ONE_KEY", "TWO_KEY", "OPENAI_API_KEY"]);
    let asked = bench.call::<CredentialOffer>(all.clone()).await.unwrap();
    assert_eq!(asked, [wanted("one", "ONE_KEY", false)]);
    let of_two = OfferParams {
        model: Some("two:m".to_owned()),
        ..all.clone()
    };
    let asked = bench.call::<CredentialOffer>(of_two).await.unwrap();
    assert_eq!(asked, [wanted("two", "TWO_KEY", false)]);
    bench
        .call::<CredentialAgree>(AgreeParams {
            variable: "ONE_KEY".to_owned(),
            agree: true,
        })
        .await
        .unwrap();
    let asked = bench.call::<CredentialOffer>(all.clone()).await.unwrap();
    assert_eq!(asked, [wanted("one", "ONE_KEY", true)]);
    bench.set_key("one", "key-of-store").await;
    assert_eq!(
        bench.call::<CredentialOffer>(all.clone()).await.unwrap(),
        []
    );
    let many: Vec<_> = (0..65).map(|n| format!("V{n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let error = bench
        .call::<CredentialOffer>(offer(&many))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Validation);
    // Providers that may take over are asked for too.
    let bench = bench_with(&server, &fallbacks).await;
    let asked = bench.call::<CredentialOffer>(all).await.unwrap();
    assert_eq!(
        asked,
        [
            wanted("one", "ONE_KEY", false),
            wanted("two", "TWO_KEY", false)
        ]
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_lent_key_serves_its_own_connection_while_that_lives() {
    let server = ModelServer::start(Script::text("hello")).await;
    let mut bench = bench_with(&server, QUICK).await;
    bench
        .call_over::<CredentialLend>(7, lend("ONE_KEY", KEY, false))
        .await
        .unwrap();
    let error = send_over(&bench, 8).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::AgentNotConfigured);
    assert!(error.hint.unwrap().contains("ONE_KEY"));
    send_over(&bench, 7).await.unwrap();
    assert_eq!(bench.finished().await, "completed");
    let requests = server.requests();
    assert_eq!(
        authorization(&requests[0]),
        Some("Bearer key-of-a-shell-123")
    );
    bench.core.connection_closed(8);
    send_over(&bench, 7).await.unwrap();
    assert_eq!(bench.finished().await, "completed");
    bench.core.connection_closed(7);
    let error = send_over(&bench, 7).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::AgentNotConfigured);
    assert_eq!(server.requests().len(), 2);
    assert_eq!(
        bench.call::<CredentialAgreed>(NoParams {}).await.unwrap(),
        [""; 0]
    );
}

#[tokio::test]
async fn a_connection_that_ends_while_it_lends_leaves_no_key() {
    let server = ModelServer::start(Script::text("hello")).await;
    let bench = bench_with(&server, QUICK).await;
    {
        let params = lend("ONE_KEY", KEY, true);
        let mut lending = std::pin::pin!(bench.call_over::<CredentialLend>(7, params));
        assert!(
            futures_util::poll!(&mut lending).is_pending(),
            "it runs apart"
        );
        bench.core.connection_closed(7);
        lending.await.unwrap();
    }
    let error = send_over(&bench, 7).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::AgentNotConfigured);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn consent_is_kept_and_taken_back_and_the_value_is_not_kept() {
    let server = ModelServer::start(Script::text("hello")).await;
    let bench = bench_with(&server, QUICK).await;
    bench
        .call_over::<CredentialLend>(7, lend("ONE_KEY", KEY, true))
        .await
        .unwrap();
    let error = bench
        .call_over::<CredentialLend>(7, lend("TWO_KEY", "  ", true))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Validation);
    let bench = bench.crash_and_restart(Vec::new()).await;
    assert_eq!(
        bench.call::<CredentialAgreed>(NoParams {}).await.unwrap(),
        ["ONE_KEY"]
    );
    let error = send_over(&bench, 7).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::AgentNotConfigured);
    let agree = |agree| AgreeParams {
        variable: "ONE_KEY".to_owned(),
        agree,
    };
    bench.call::<CredentialAgree>(agree(false)).await.unwrap();
    assert_eq!(
        bench.call::<CredentialAgreed>(NoParams {}).await.unwrap(),
        [""; 0]
    );
}

#[tokio::test]
async fn a_lent_key_is_held_back_like_any_other() {
    let server = ModelServer::start(Script::text("hello")).await;
    let bench = Bench::start().await;
    bench.keep_keys().await;
    bench
        .call::<mesoclaw_api::ops::provider::ProviderUpdate>(
            mesoclaw_api::ops::provider::UpdateParams {
                provider_id: "openai".to_owned(),
                base_url: server.base_url(),
                name: None,
                api_version: None,
            },
        )
        .await
        .unwrap();
    bench
        .call_over::<CredentialLend>(1, lend("OPENAI_API_KEY", KEY, false))
        .await
        .unwrap();
    let error = bench.say_to("openai:m", "hi").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PolicyDenied);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_waiting_message_is_not_answered_with_a_key_that_is_gone() {
    let keyed = ModelServer::start(Script::text("hello")).await;
    let hold = Reply::new([Step::Text("hm".to_owned()), Step::Stall(300)]);
    let free = ModelServer::start(Script::replies([hold])).await;
    let mut bench = bench_with(&keyed, QUICK).await;
    bench.provider("free", &free).await;
    let sent = bench.say_to("free:m", "first").await.unwrap();
    free.wait_for_content(0).await;
    bench
        .call_over::<CredentialLend>(7, lend("ONE_KEY", KEY, false))
        .await
        .unwrap();
    let params = SendParams {
        session_id: Some(sent.session_id.clone()),
        text: "second".to_owned(),
        ..SendParams::default()
    };
    bench.call_over::<ChatSend>(7, params).await.unwrap();
    bench.core.connection_closed(7);
    assert_eq!(bench.finished().await, "completed");
    let warning = bench
        .event(|event| match event {
            Event::Warning { message } => Some(message.clone()),
            _ => None,
        })
        .await;
    assert!(warning.contains("`one` wants a key"), "{warning}");
    let params = SessionParams {
        session_id: sent.session_id,
    };
    let waiting = bench.call::<QueueList>(params).await.unwrap();
    assert_eq!(waiting.len(), 1, "nothing typed is lost");
    assert!(keyed.requests().is_empty());
}

#[tokio::test]
async fn a_lent_key_serves_the_model_that_takes_over_too() {
    let broken = ModelServer::start(Script::always([Step::status(503)])).await;
    let server = ModelServer::start(Script::text("hello")).await;
    let config = format!("{QUICK}provider_fallbacks = [\"two:m\"]\n");
    let config = config.replace("\"one\"", "\"free\"");
    let mut bench = bench_with(&server, &config).await;
    bench.provider("free", &broken).await;
    bench
        .call_over::<CredentialLend>(7, lend("TWO_KEY", KEY, false))
        .await
        .unwrap();
    send_over(&bench, 8).await.unwrap();
    assert_eq!(bench.finished().await, "failed");
    send_over(&bench, 7).await.unwrap();
    assert_eq!(bench.finished().await, "completed");
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        authorization(&requests[0]),
        Some("Bearer key-of-a-shell-123")
    );
}
