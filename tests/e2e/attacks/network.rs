//! Attacks through addresses, redirections and bodies.

use mesoclaw_api::ops::tool::{ExecuteParams, ToolExecute};
use mesoclaw_testkit::model_server::Script;
use mesoclaw_testkit::site::{Page, Site};
use serde_json::json;

use crate::desk::Desk;
use crate::rpc::Wire;

/// Fetches; gives the text, or why there is none.
fn fetch(wire: &mut Wire, desk: &Desk, url: &str) -> Result<String, String> {
    let params = ExecuteParams {
        name: "web_fetch".to_owned(),
        args: json!({"url": url}),
        call_id: None,
        session_id: None,
        workspace: Some(desk.work().display().to_string()),
    };
    match wire.call::<ToolExecute>(params) {
        Ok(run) if run.success => Ok(run.output),
        Ok(run) => Err(run.output),
        Err(error) => Err(error.message),
    }
}

/// A daemon that may fetch from this site and asks nobody.
fn desk_for(site: &Site, more: &str) -> Desk {
    Desk::with(
        Script::text("Fine."),
        &format!(
            "security_autonomy_level = \"autonomous\"\nsecurity_rate_limit_max = 0\n\
             web_fetch_timeout_secs = 5\nweb_allow_private_hosts = [\"{}\"]\n{more}",
            site.addr()
        ),
    )
}

/// A client with nobody behind it: what would be asked is refused.
fn pipe(desk: &Desk) -> Wire {
    let mut wire = Wire::connect(&desk.fixture.socket());
    let mut params = crate::rpc::hello(None);
    params["surface"] = "pipe".into();
    let id = wire.request("daemon.hello", &params);
    wire.answer_to(id).unwrap().unwrap();
    wire
}

#[test]
fn case_36_private_addresses_are_refused_in_every_spelling() {
    let (site, canary) = (Site::start(vec![Page::text("/", "hello")]), Site::canary());
    let desk = desk_for(&site, "");
    let mut wire = pipe(&desk);
    let port = canary.addr().port();
    for host in [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "[64:ff9b::7f00:1]",
        "127.0.0.1.",
        "127.127.127.127",
        "169.254.169.254",
        "[fd00::1]",
        "[fe80::1]",
        "100.64.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "[fec0::1]",
        "[2002:7f00:1::]",
        "\u{ff11}27.0.0.1",
        "①②⑦.0.0.1",
    ] {
        let url = format!("http://{host}:{port}/");
        assert!(fetch(&mut wire, &desk, &url).is_err(), "{url}");
    }
    assert_eq!(canary.requests(), [] as [&str; 0]);
    // What a person named is reached, and only that.
    assert!(
        fetch(&mut wire, &desk, &site.url("/"))
            .unwrap()
            .contains("hello")
    );
}

#[test]
fn case_38_redirections_are_checked_hop_by_hop() {
    let canary = Site::canary();
    let pages = [
        ("/private", canary.url("/")),
        ("/metadata", "http://169.254.169.254/".to_owned()),
        ("/file", "file:///etc/passwd".to_owned()),
        ("/ftp", "ftp://127.0.0.1/".to_owned()),
        ("/gopher", "gopher://127.0.0.1/".to_owned()),
        ("/data", "data:text/plain,hello".to_owned()),
        ("/round", "/round".to_owned()),
    ];
    let hops = (0..20).map(|n| (format!("/hop{n}"), format!("/hop{}", n + 1)));
    let mut all: Vec<Page> = pages
        .iter()
        .map(|(path, to)| Page::redirect(path, to))
        .collect();
    all.extend(hops.map(|(path, to)| Page::redirect(&path, &to)));
    all.push(Page::redirect("/once", "/end"));
    all.push(Page::text("/end", "the end"));
    let site = Site::start(all);
    let desk = desk_for(&site, "");
    let mut wire = pipe(&desk);
    for (path, _) in pages.iter().chain([&("/hop0", String::new())]) {
        let said = fetch(&mut wire, &desk, &site.url(path));
        assert!(said.is_err(), "{path}: {said:?}");
    }
    assert_eq!(canary.requests(), [] as [&str; 0]);
    let hops = site
        .requests()
        .iter()
        .filter(|r| r.starts_with("GET /hop"))
        .count();
    assert!(hops <= 6, "{hops} hops");
    assert!(
        fetch(&mut wire, &desk, &site.url("/once"))
            .unwrap()
            .contains("the end")
    );
}

#[test]
fn case_39_credentials_and_line_ends_in_a_url_are_refused() {
    let site = Site::start(vec![Page::text("/", "hello")]);
    let desk = desk_for(&site, "");
    let mut wire = pipe(&desk);
    let addr = site.addr();
    for url in [
        format!("http://user:pass@{addr}/"),
        format!("http://user@{addr}/"),
        "file:///etc/passwd".to_owned(),
        "gopher://127.0.0.1:1/".to_owned(),
        "javascript:alert(1)".to_owned(),
        "/etc/passwd".to_owned(),
        String::new(),
    ] {
        assert!(fetch(&mut wire, &desk, &url).is_err(), "{url}");
    }
    // A line end in a URL is no new header.
    fetch(
        &mut wire,
        &desk,
        &format!("http://{addr}/x\r\nX-Evil: 1\r\n"),
    )
    .ok();
    for request in site.requests() {
        assert!(!request.to_lowercase().contains("\nx-evil"), "{request}");
        assert!(
            !request.to_lowercase().contains("authorization:"),
            "{request}"
        );
    }
}

#[test]
fn case_40_a_body_has_an_end() {
    let large = "0123456789abcdef".repeat(1 << 18);
    let site = Site::start(vec![
        Page::text("/large", &large),
        Page::html("/html", &large),
    ]);
    let desk = desk_for(&site, "web_fetch_max_bytes = 65536\n");
    let mut wire = pipe(&desk);
    for path in ["/large", "/html"] {
        let text = match fetch(&mut wire, &desk, &site.url(path)) {
            Ok(text) | Err(text) => text,
        };
        assert!(text.len() < 200_000, "{path}: {}", text.len());
    }
    assert!(desk.fixture.daemon.peak_rss_bytes() < 400 << 20);
    desk.fixture.assert_no_panic();
}

#[test]
fn case_42_no_tool_changes_where_keys_go() {
    let site = Site::canary();
    let desk = desk_for(&site, "");
    let before = std::fs::read_to_string(desk.fixture.home.config_file()).unwrap();
    let mut wire = pipe(&desk);
    let list = desk.json(&["tool", "list"]);
    for name in ["config", "provider", "key", "approval", "grant"] {
        let is_there = list
            .as_array()
            .unwrap()
            .iter()
            .any(|tool| tool["name"] == name);
        assert!(!is_there, "{name}");
    }
    let path = desk.fixture.home.config_file();
    for (name, args) in [
        (
            "file_write",
            json!({"path": path, "content": "provider_base_url = \"http://127.0.0.1:1\""}),
        ),
        (
            "edit",
            json!({"path": path, "old": "test", "new": "evil", "old_text": "test", "new_text": "evil"}),
        ),
        (
            "shell",
            json!({"command": format!("sed -i s/test/evil/ {}", path.display())}),
        ),
    ] {
        let params = ExecuteParams {
            name: name.to_owned(),
            args,
            call_id: None,
            session_id: None,
            workspace: Some(desk.work().display().to_string()),
        };
        assert!(wire.call::<ToolExecute>(params).is_err(), "{name}");
    }
    let after = std::fs::read_to_string(desk.fixture.home.config_file()).unwrap();
    assert_eq!(after, before);
}
