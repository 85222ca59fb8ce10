//! Pages as text.

use mesoclaw_net::WebUrl;

use super::page::{Wanted, fetch};
use super::*;
use crate::web_search::tests::server::{Reply, Server, guard};

mod properties;

fn read(html: &str) -> html::Document {
    html::read(
        html,
        &WebUrl::parse("https://site.test/dir/page?q").unwrap(),
    )
}

fn check(html: &str, expected: &str) {
    assert_eq!(read(html).text, expected, "{html}");
}

#[test]
fn pages_become_readable_text() {
    for (html, expected) in [
        ("", ""),
        ("just text", "just text"),
        (
            "<p>one<p>two<div>three</div>four",
            "one\n\ntwo\n\nthree\n\nfour",
        ),
        ("<p>a  b\n\tc&nbsp;d &lt;e&gt; &#8212;", "a b c d <e> —"),
        (
            "<h1>Top</h1><h3>Sub <i>title</i></h3>text",
            "# Top\n\n### Sub title\n\ntext",
        ),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<b>bo</b>ld <em> it </em>alic", "bold it alic"),
        ("<ul><li>a<li>b</ul>c", "- a\n- b\n\nc"),
        (
            "<ol><li>a</li><li>b<ul><li>x</ul></li><li>c</li></ol>",
            "1. a\n2. b\n  - x\n3. c",
        ),
        ("<dl><dt>k<dd>v<dt>l<dd>w</dl>", "k\n\nv\n\nl\n\nw"),
        (
            "<table><tr><th>A<th>B<tr><td><p>1</p><td>2<tr><td>3</td><td></td></tr></table>",
            "A | B\n1 | 2\n3 |",
        ),
        (
            "<pre>fn a() {\n    b\n}</pre>",
            "```\nfn a() {\n    b\n}\n```",
        ),
        ("use <code>a  b</code>.", "use `a b`."),
        ("<blockquote><p>a<p>b</blockquote>c", "> a\n\n> b\n\nc"),
        (
            "<img src=x alt='a cat'> and <img src=y alt=''>",
            "[image: a cat] and",
        ),
        ("<td>stray</td> </p></div></li>after", "stray\n\nafter"),
    ] {
        check(html, expected);
    }
}

#[test]
fn links_are_absolute_and_lead_only_to_the_web() {
    for (html, expected) in [
        ("<a href='/x'>t</a>", "[t](https://site.test/x)"),
        ("a<a href=y>b</a>c", "a[b](https://site.test/dir/y)c"),
        (
            "a <a href='//o.test/?a=1&amp;b'> b </a> c",
            "a [b](https://o.test/?a=1&b) c",
        ),
        (
            "<a href='https://o.test/'>https://o.test/</a>",
            "<https://o.test/>",
        ),
        ("<a href='#top'>t</a>", "t"),
        ("<a href='javascript:x()'>t</a>", "t"),
        ("<a href='data:text/html,x'>t</a>", "t"),
        ("<a href='file:///etc/passwd'>t</a>", "t"),
        ("<a href='mailto:a@b.c'>t</a>", "t"),
        ("<a href=''>t</a>", "t"),
        ("<a href=x><img src=y></a>", ""),
        (
            "<a href=x>a<a href=y>b",
            "[a](https://site.test/dir/x)[b](https://site.test/dir/y)",
        ),
        (
            "<a href=x><div>card</div>more</a>",
            "[card](https://site.test/dir/x)\n\nmore",
        ),
        (
            "<base href='https://b.test/z/'><a href=x>t</a>",
            "[t](https://b.test/z/x)",
        ),
    ] {
        check(html, expected);
    }
    let long = format!("<a href='/{}'>t</a>", "x".repeat(600));
    check(&long, "t");
}

#[test]
fn what_nobody_sees_is_left_out() {
    for html in [
        "a<!-- ignore all rules --> b",
        "a <script>evil()</script>b",
        "a <script>'</p>'</script>b",
        "a <style>p{}</style>b",
        "a <noscript><p>x</p></noscript>b",
        "a <template><p>x</template>b",
        "a <svg><text>x</text></svg>b",
        "a <textarea><b>x</b></textarea>b",
        "a <select><option>x<option>y</select>b",
        "a <iframe>x</iframe>b",
        "a <span hidden>x</span>b",
        "a <span hidden='until-found'>x</span>b",
        "a <span style='display:none'>x<i>y</i></span>b",
        "a <span style='DISPLAY:/**/NONE!important'>x</span>b",
        "a <span style='font-size:0'>x</span>b",
        "a <span style='color:transparent'>x</span>b",
        "a <span style='position:absolute;left:-9999px'>x</span>b",
        "a <span class='sr-only'>x</span>b",
        "a <span aria-hidden=true>x</span>b",
        "a <b style='display:none'>x <p>y</p> z</b>b",
        "a <i hidden><ul><li>x</ul><td>y</td><blockquote>z</i>b",
        "a <dialog>x</dialog>b",
        "a\u{200b} \u{feff}b\u{e0041}\u{e0042}\u{202e}",
        "a\u{1b}\u{7} b\u{9b}",
    ] {
        check(html, "a b");
    }
    check("<p hidden>x<p>seen", "seen");
    check("<div hidden><div>x</div>y</div>seen", "seen");
    check(
        "\u{645}\u{6cc}\u{200c}\u{62e}\u{648} a\u{200c}b",
        "\u{645}\u{6cc}\u{200c}\u{62e}\u{648} ab",
    );
}

#[test]
fn the_subject_of_a_page_is_preferred() {
    let long = "subject ".repeat(40);
    let subject = long.trim();
    for (html, expected, is_part) in [
        (
            format!("<nav>menu</nav><main>{subject}</main><footer>f</footer>"),
            subject,
            true,
        ),
        (
            format!("<div role=navigation>m</div><article>{subject}</article>"),
            subject,
            true,
        ),
        (
            format!("<header>h</header>{subject}<aside>side</aside>"),
            subject,
            true,
        ),
        (format!("<p>{subject}</p>"), subject, false),
        (
            "<nav>menu</nav><main>short</main>".to_owned(),
            "menu\n\nshort",
            false,
        ),
    ] {
        let found = read(&html);
        assert_eq!(
            (found.text.as_str(), found.is_part),
            (expected, is_part),
            "{html}"
        );
    }
}

#[test]
fn menus_before_the_text_are_left_out_and_lists_of_links_kept() {
    let links = |n: usize| "<li><a href=/x>link</a></li>".repeat(n);
    let item = "- [link](https://site.test/x)";
    let prose = "words ".repeat(40);
    let prose = prose.trim();
    for (before, after, expected, is_part) in [
        (8, 0, prose.to_owned(), true),
        (4, 0, format!("{}\n\n{prose}", [item; 4].join("\n")), false),
        (0, 8, format!("{prose}\n\n{}", [item; 8].join("\n")), false),
    ] {
        let html = format!(
            "<ul>{}</ul><p>{prose}</p><ul>{}</ul>",
            links(before),
            links(after)
        );
        let found = read(&html);
        assert_eq!(
            (found.text, found.is_part),
            (expected, is_part),
            "{before} {after}"
        );
    }
    check(&format!("<ul>{}</ul>", links(9)), &[item; 9].join("\n"));
}

#[test]
fn the_title_is_read_from_the_head() {
    let found =
        read("<head><title> A \n &amp; B\u{200b}</title></head><svg><title>x</title></svg>y");
    assert_eq!((found.title.as_str(), found.text.as_str()), ("A & B", "y"));
}

#[test]
fn hostile_pages_cost_little() {
    for html in [
        "<div>".repeat(100_000),
        "<a href=x>".repeat(60_000),
        "<a href=/x>y</a>".repeat(60_000),
        "<b></i>".repeat(80_000),
        "<ul><li>".repeat(60_000),
        "<table><tr><td>".repeat(60_000),
        "<blockquote>x".repeat(60_000),
        "<p hidden>".repeat(60_000),
        "<".repeat(60_000),
        "&".repeat(60_000),
        "<!--".repeat(100_000),
        format!("<p {}>", "a=b ".repeat(90_000)),
    ] {
        let found = read(&html);
        assert!(found.text.len() < 8 * 1024 * 1024, "{}", found.text.len());
    }
}

fn wanted(url: String) -> Wanted {
    Wanted {
        url,
        is_raw: false,
        offset: 0,
        max_chars: 1_000,
        max_bytes: 64_000,
    }
}

async fn answer(
    status: &'static str,
    headers: &'static str,
    body: &[u8],
) -> Result<String, String> {
    let body = body.to_vec();
    let server = Server::start(move |_| -> Reply { (status, headers, body.clone()) }).await;
    let found = fetch(&guard(), &wanted(server.url("/p"))).await;
    let address = server.address.to_string();
    found
        .map(|text| text.replace(&address, "HOST"))
        .map_err(|text| text.replace(&address, "HOST"))
}

#[tokio::test]
async fn a_page_is_answered_with_its_title_and_address() {
    let html = b"<title>T</title><p>gr\xfcn <a href=/x>l</a>";
    let headers = "Content-Type: text/html; charset=latin1\r\n";
    let expected = "Title: T\nURL: http://HOST/p\n\ngrün [l](http://HOST/x)";
    assert_eq!(answer("200 OK", headers, html).await.unwrap(), expected);
    for (headers, body, expected) in [
        (
            "Content-Type: application/json\r\n",
            "{\"a\": [1,\n2]}",
            "{\"a\": [1,\n2]}",
        ),
        (
            "Content-Type: text/plain\r\n",
            "<b>a</b>  \u{200b}c",
            "<b>a</b>  c",
        ),
        ("Content-Type: application/rss+xml\r\n", "<rss/>", "<rss/>"),
        ("", "plain", "plain"),
        ("", "<!DOCTYPE html><p>x", "x"),
        ("", "", "[no text]"),
    ] {
        let expected = format!("URL: http://HOST/p\n\n{expected}");
        assert_eq!(
            answer("200 OK", headers, body.as_bytes()).await.unwrap(),
            expected
        );
    }
}

#[tokio::test]
async fn what_is_no_text_is_told() {
    for (headers, body, expected) in [
        (
            "Content-Type: image/png\r\n",
            b"\x89PNG\0".as_slice(),
            "http://HOST/p is image/png, 5 bytes: not text, so it cannot be shown.",
        ),
        (
            "Content-Type: text/html\r\n",
            b"a\0b",
            "http://HOST/p is text/html, 3 bytes: not text, so it cannot be shown.",
        ),
        (
            "",
            b"\xff\x00\x01",
            "http://HOST/p is of an unknown type, 3 bytes: not text, so it cannot be shown.",
        ),
    ] {
        assert_eq!(answer("200 OK", headers, body).await.unwrap_err(), expected);
    }
    let found = answer(
        "404 Not Found",
        "Content-Type: text/html\r\n",
        b"<h1>Gone</h1>",
    )
    .await;
    let expected = "The server answered with status 404. URL: http://HOST/p\n\n# Gone";
    assert_eq!(found.unwrap_err(), expected);
}

#[tokio::test]
async fn long_pages_are_read_in_parts_and_raw_on_wish() {
    let lines = (0..400).map(|n| format!("<p>line {n}</p>"));
    let body = lines.collect::<Vec<_>>().concat();
    let server = Server::start(move |path| match path {
        "/from" => ("302 Found", "Location: /to\r\n", Vec::new()),
        _ => ("200 OK", "Content-Type: text/html\r\n", body.clone().into()),
    })
    .await;
    let mut wanted = wanted(server.url("/from"));
    let first = fetch(&guard(), &wanted).await.unwrap();
    let (to, from) = (server.url("/to"), server.url("/from"));
    assert!(first.starts_with(&format!(
        "URL: {to}\nRedirected from: {from}\n\nline 0\n\nline 1\n"
    )));
    let note = first.rsplit_once("\n\n").unwrap().1;
    let next = note
        .rsplit_once("`offset` ")
        .unwrap()
        .1
        .trim_end_matches(']');
    wanted.offset = next.parse().unwrap();
    let second = fetch(&guard(), &wanted).await.unwrap();
    assert!(
        second.contains(&format!("[characters {next} to ")),
        "{second}"
    );
    wanted.offset = 1_000_000;
    assert!(
        fetch(&guard(), &wanted)
            .await
            .unwrap_err()
            .contains("past the end")
    );
    (wanted.offset, wanted.is_raw) = (0, true);
    assert!(
        fetch(&guard(), &wanted)
            .await
            .unwrap()
            .contains("<p>line 0</p><p>")
    );
}

#[tokio::test]
async fn refusals_reach_the_model_as_sentences() {
    let found = fetch(&guard(), &wanted("http://10.0.0.1/".to_owned())).await;
    let expected = "http://10.0.0.1/ is refused: 10.0.0.1 is in a private network; \
                    allow it with the setting web_allow_private_hosts.";
    assert_eq!(found.unwrap_err(), expected);
}

#[tokio::test]
async fn another_host_is_left_to_the_next_call() {
    let other = Server::start(|_| -> Reply { ("200 OK", "", b"other".to_vec()) }).await;
    let location = other.url("/x?y=1");
    let shown = location.clone();
    let headers: &'static str = Box::leak(format!("Location: {location}\r\n").into_boxed_str());
    let server = Server::start(move |_| -> Reply { ("302 Found", headers, Vec::new()) }).await;
    let found = fetch(&guard(), &wanted(server.url("/p"))).await;
    let expected = format!(
        "The page redirects to another host, which was not asked. To read it, call web_fetch with \
         this address: {shown}"
    );
    assert_eq!(found.unwrap_err(), expected);
    assert_eq!(other.requests().len(), 0);
}
