//! Tests of images: stored once, there as long as something refers to them.

use mesoclaw_api::item::ImageRef;
use mesoclaw_api::ops::chat::QueuedMessage;
use mesoclaw_api::{ItemBody, Surface};

use super::*;
use crate::repo::tests::{
    a_session, an_item, at, database, database_with_session, put, user, waiting,
};
use crate::repo::{item, queue, session};

fn an_image(name: &str) -> ImageRow {
    ImageRow {
        sha256: format!("hash of {name}"),
        media_type: "image/png".into(),
        data: vec![0, 159, 255],
        created_at: Timestamp::now(),
    }
}

fn with_images(names: &[&str]) -> ItemBody {
    ItemBody::User {
        text: "look".into(),
        images: references(names),
    }
}

fn references(names: &[&str]) -> Vec<ImageRef> {
    names
        .iter()
        .map(|name| ImageRef {
            sha256: format!("hash of {name}"),
            media_type: "image/png".into(),
            name: Some(format!("{name}.png")),
            size_bytes: 3,
        })
        .collect()
}

fn stored(conn: &Connection) -> Vec<String> {
    let mut statement = conn
        .prepare("SELECT substr(sha256, 9) FROM images ORDER BY sha256")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn an_image_is_stored_once_and_reads_the_same() {
    let conn = database();
    let image = an_image("a");
    assert_eq!(get(&conn, &image.sha256).unwrap(), None);
    insert(&conn, &image).unwrap();
    let later = ImageRow {
        created_at: at(9),
        ..image
    };
    insert(&conn, &later).unwrap();
    assert_eq!(get(&conn, &later.sha256).unwrap(), Some(later));
    assert_eq!(stored(&conn), ["a"]);
}

#[test]
fn images_go_with_the_last_session_that_refers_to_them() {
    let conn = database_with_session();
    for id in ["copied", "other"] {
        session::insert(&conn, &a_session(id, id, 1)).unwrap();
    }
    for name in ["alone", "forked", "shared", "waits", "wanted", "on its way"] {
        insert(&conn, &an_image(name)).unwrap();
    }
    let forgotten = ImageRow {
        created_at: at(0),
        ..an_image("forgotten")
    };
    insert(&conn, &forgotten).unwrap();
    put(&conn, "none", user("no image"));
    let first = put(&conn, "one", with_images(&["forked", "shared"]));
    assert_eq!(first, 2);
    session::fork(
        &conn,
        &"s".into(),
        &a_session("fork", "fork", 2),
        Some(&"one".into()),
    )
    .unwrap();
    put(&conn, "two", with_images(&["alone", "alone"]));
    let queued = |id: &str, names: &[&str]| QueuedMessage {
        images: references(names),
        ..waiting(id, "look")
    };
    let push = |session: &str, message: &QueuedMessage| {
        queue::push(&conn, &session.into(), message, None, Surface::Cli).unwrap();
    };
    push("s", &queued("q1", &["waits"]));
    push("other", &queued("q2", &["wanted"]));
    item::upsert(
        &conn,
        &an_item("elsewhere", "other", None, with_images(&["shared"])),
    )
    .unwrap();

    let all = [
        "alone",
        "forgotten",
        "forked",
        "on its way",
        "shared",
        "waits",
        "wanted",
    ];
    assert_eq!(stored(&conn), all);
    for (gone, left) in [
        // What nothing ever referred to goes after a day, what a session had goes with it.
        ("s", &["forked", "on its way", "shared", "wanted"][..]),
        ("none", &["forked", "on its way", "shared", "wanted"]),
        ("copied", &["forked", "on its way", "shared", "wanted"]),
        ("fork", &["on its way", "shared", "wanted"]),
        ("other", &["on its way"]),
    ] {
        session::delete(&conn, &gone.into()).unwrap();
        assert_eq!(stored(&conn), left, "{gone}");
    }
}

#[test]
fn what_refers_to_images_is_found_by_index() {
    let conn = database();
    let plan: Vec<String> = conn
        .prepare(
            "EXPLAIN QUERY PLAN
             SELECT image.value FROM items i, json_each(i.body, '$.images') image
             WHERE i.kind = 'user' AND i.body ->> '$.images' IS NOT NULL",
        )
        .unwrap()
        .query_map([], |row| row.get("detail"))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(plan[0].contains("items_with_images"), "{plan:?}");
}
