//! Images: sent with a message, stored once, shown to the model again, told by name where it is blind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mesoclaw_api::ops::chat::{ChatSend, NewImage, SendParams, Sent};
use mesoclaw_api::ops::provider::{ModelAddParams, NewModel, ProviderModelAdd};
use mesoclaw_api::ops::session::{
    ForkParams, ListParams, SessionDelete, SessionFork, SessionList, SessionParams,
    SessionSetModel, SetModelParams,
};
use mesoclaw_api::{ApiResult, ErrorCode, ItemBody, SessionId, TurnOutcome};
use mesoclaw_store::repo::image;
use mesoclaw_store::{Store, StoreOptions};
use mesoclaw_testkit::model_server::{ModelServer, RecordedRequest, Reply, Script, Step};

use crate::support::{Bench, QUICK, texts_of};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n an image of a cat";

fn new_image(data: &[u8], name: &str) -> NewImage {
    NewImage {
        data: STANDARD.encode(data),
        name: Some(name.to_owned()),
    }
}

fn with_image(session_id: Option<&SessionId>, model: Option<&str>, text: &str) -> SendParams {
    SendParams {
        session_id: session_id.cloned(),
        text: text.to_owned(),
        model: model.map(str::to_owned),
        images: vec![new_image(PNG, "cat.png")],
        ..SendParams::default()
    }
}

/// The image URLs of a request, in order.
fn urls(request: &RecordedRequest) -> Vec<String> {
    let messages = request.body["messages"].as_array().unwrap().iter();
    let parts = messages.flat_map(|message| message["content"].as_array().into_iter().flatten());
    parts
        .filter_map(|part| part["image_url"]["url"].as_str().map(str::to_owned))
        .collect()
}

fn cat() -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(PNG))
}

/// A provider `one` with the models `m`, of which nothing is known, and `blind`.
async fn bench_at(server: &ModelServer) -> Bench {
    let bench = Bench::configured(QUICK).await;
    bench.provider("one", server).await;
    bench
        .call::<ProviderModelAdd>(model("blind", Some(false)))
        .await
        .unwrap();
    bench
}

fn model(model_id: &str, supports_vision: Option<bool>) -> ModelAddParams {
    ModelAddParams::new(
        "one".to_owned(),
        NewModel {
            model_id: model_id.to_owned(),
            display_name: None,
            supports_tools: None,
            supports_vision,
            context_limit: None,
            output_limit: None,
            price: None,
        },
    )
}

async fn send(bench: &Bench, params: SendParams) -> ApiResult<Sent> {
    bench.call::<ChatSend>(params).await
}

#[tokio::test]
async fn an_image_reaches_the_model_now_and_in_later_turns() {
    let server = ModelServer::start(Script::text("a cat")).await;
    let mut bench = bench_at(&server).await;
    let sent = send(&bench, with_image(None, None, "what is it?"))
        .await
        .unwrap();
    assert_eq!(bench.outcome().await, TurnOutcome::Completed);
    let session_id = sent.session_id;
    let ItemBody::User { images, .. } = &bench.items(&session_id).await[0].body else {
        panic!("the first item is the message");
    };
    assert_eq!(images.len(), 1);
    assert_eq!(
        (
            images[0].name.as_deref(),
            images[0].media_type.as_str(),
            images[0].size_bytes
        ),
        (Some("cat.png"), "image/png", PNG.len() as u64)
    );
    bench
        .send(Some(&session_id), "and its colour?")
        .await
        .unwrap();
    bench.finished().await;
    // The same content once more is another image of the prompt, and no more to store.
    send(&bench, with_image(Some(&session_id), None, "again"))
        .await
        .unwrap();
    bench.finished().await;
    let requests = server.requests();
    let told: Vec<_> = requests.iter().map(urls).collect();
    assert_eq!(told, [vec![cat()], vec![cat()], vec![cat(), cat()]]);
    assert_eq!(server.refusals(), [""; 0]);
}

#[tokio::test]
async fn a_waiting_message_keeps_its_image_also_over_a_restart() {
    let stalled = Reply::new([Step::Text("hm".to_owned()), Step::Stall(20_000)]);
    let server = ModelServer::start(Script::replies([stalled, Reply::text("a cat")])).await;
    let config = QUICK.replace("idle_timeout_secs = 1", "idle_timeout_secs = 30");
    let bench = Bench::configured(&config).await;
    bench.provider("one", &server).await;
    let sent = bench.send(None, "first").await.unwrap();
    server.wait_for_content(0).await;
    let waiting = with_image(Some(&sent.session_id), None, "what is it?");
    assert!(send(&bench, waiting).await.unwrap().queue_id.is_some());
    let mut bench = bench.crash_and_restart(Vec::new()).await;
    bench
        .call::<mesoclaw_api::ops::chat::TurnContinue>(mesoclaw_api::ops::chat::ContinueParams {
            session_id: sent.session_id.clone(),
            model: None,
        })
        .await
        .unwrap();
    assert_eq!(bench.finished().await, "completed");
    assert_eq!(bench.finished().await, "completed");
    let requests = server.wait_for_requests(3).await;
    let told: Vec<_> = requests.iter().map(urls).collect();
    assert_eq!(told, [vec![], vec![], vec![cat()]]);
}

#[tokio::test]
async fn a_model_known_to_be_blind_is_sent_no_image() {
    let server = ModelServer::start(Script::text("hm")).await;
    let mut bench = bench_at(&server).await;
    let error = send(&bench, with_image(None, Some("one:blind"), "what is it?"))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::ModelCapability);
    assert_eq!(error.message, "one:blind cannot see images");
    assert!(error.hint.unwrap().contains("hint:vision"));
    // What another model was shown is told to it by name.
    let sent = send(&bench, with_image(None, None, "what is it?"))
        .await
        .unwrap();
    bench.finished().await;
    bench
        .call::<SessionSetModel>(SetModelParams {
            session_id: sent.session_id.clone(),
            model: Some("one:blind".to_owned()),
        })
        .await
        .unwrap();
    bench
        .send(Some(&sent.session_id), "and now?")
        .await
        .unwrap();
    bench.finished().await;
    let requests = server.requests();
    assert_eq!(
        requests.len(),
        2,
        "the first was refused before it was sent"
    );
    assert_eq!(urls(&requests[1]), Vec::<String>::new());
    let texts = texts_of(&requests[1]);
    assert!(
        texts.contains(&"user: what is it?\n\n[image cat.png: it is not shown to you]".to_owned()),
        "{texts:?}"
    );
}

#[tokio::test]
async fn what_is_no_image_is_refused_before_anything_is_stored() {
    let server = ModelServer::start(Script::text("hm")).await;
    let bench = bench_at(&server).await;
    let params = SendParams {
        text: "look".to_owned(),
        images: vec![new_image(b"<svg/>", "a.svg")],
        ..SendParams::default()
    };
    let error = send(&bench, params).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Validation);
    assert_eq!(error.message, "a.svg is no PNG, JPEG, GIF or WebP image");
    let sessions = bench
        .call::<SessionList>(ListParams::default())
        .await
        .unwrap();
    assert_eq!(sessions, []);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_copy_keeps_its_images_when_the_session_it_came_from_goes() {
    let server = ModelServer::start(Script::text("a cat")).await;
    let mut bench = bench_at(&server).await;
    let sent = send(&bench, with_image(None, None, "what is it?"))
        .await
        .unwrap();
    bench.finished().await;
    let copy = bench
        .call::<SessionFork>(ForkParams {
            session_id: sent.session_id.clone(),
            until: None,
            title: None,
        })
        .await
        .unwrap();
    let delete = |session_id: &SessionId| SessionParams {
        session_id: session_id.clone(),
    };
    let items = bench.items(&sent.session_id).await;
    let ItemBody::User { images, .. } = &items[0].body else {
        panic!("the first item is the message");
    };
    let sha256 = images[0].sha256.clone();
    bench
        .call::<SessionDelete>(delete(&sent.session_id))
        .await
        .unwrap();
    assert!(is_stored(&bench, &sha256).await);
    bench.send(Some(&copy.id), "and its colour?").await.unwrap();
    bench.finished().await;
    assert_eq!(urls(&server.requests()[1]), [cat()]);
    bench.call::<SessionDelete>(delete(&copy.id)).await.unwrap();
    assert!(!is_stored(&bench, &sha256).await);
}

/// Whether the content is in the database.
async fn is_stored(bench: &Bench, sha256: &str) -> bool {
    let mut paths = vec![bench.home.path().to_owned()];
    let mut database = None;
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).unwrap();
            paths.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "db") {
            database = Some(path);
        }
    }
    let options = StoreOptions {
        path: database.unwrap(),
        readers: 1,
    };
    let (store, _) = Store::open(options).unwrap();
    let sha256 = sha256.to_owned();
    let image = store.read(move |conn| image::get(conn, &sha256)).await;
    image.unwrap().is_some_and(|image| image.data == PNG)
}
