//! Properties of reading a page, over pages that nobody wrote.

use proptest::prelude::*;

use super::read;

/// A page as a tree: what is shown and what is not.
#[derive(Clone, Debug)]
enum Node {
    Shown(u16),
    /// In a comment, or in an element that holds no tags.
    Raw(&'static str, &'static str, u16),
    Element(&'static str, Vec<Node>),
    Hiding(&'static str, Vec<Node>),
}

const RAW: [(&str, &str); 5] = [
    ("<!--", "-->"),
    ("<script>", "</script>"),
    ("<style>", "</style>"),
    ("<noscript>", "</noscript>"),
    ("<textarea>", "</textarea>"),
];

const SHOWN: [&str; 19] = [
    "div",
    "p",
    "b",
    "a href=/x",
    "ul",
    "li",
    "table",
    "tr",
    "td",
    "h2",
    "blockquote",
    "section",
    "code",
    "nav",
    "main",
    "dl",
    "dd",
    "footer",
    "pre",
];

const HIDING: [&str; 10] = [
    "div hidden",
    "span style='display : none'",
    "b style=font-size:0px",
    "select",
    "template",
    "svg",
    "section class='x sr-only'",
    "ul hidden",
    "i aria-hidden=true",
    "article style='visibility:hidden'",
];

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let raw = (prop::sample::select(&RAW[..]), any::<u16>());
    let word = prop_oneof![
        any::<u16>().prop_map(Node::Shown),
        raw.prop_map(|((start, end), n)| Node::Raw(start, end, n)),
    ];
    let node = word.prop_recursive(5, 40, 5, |inner| {
        let inside = prop::collection::vec(inner, 0..5);
        prop_oneof![
            (prop::sample::select(&SHOWN[..]), inside.clone())
                .prop_map(|(tag, inside)| Node::Element(tag, inside)),
            (prop::sample::select(&HIDING[..]), inside)
                .prop_map(|(tag, inside)| Node::Hiding(tag, inside)),
        ]
    });
    prop::collection::vec(node, 0..6)
}

/// The page as text; the words that are shown go to `words`, unless they are inside a hiding one.
fn html(nodes: &[Node], is_hidden: bool, words: &mut Vec<String>) -> String {
    let each = nodes.iter().map(|node| match node {
        Node::Shown(n) if is_hidden => format!(" secret{n}x "),
        Node::Shown(n) => {
            words.push(format!("word{n}x"));
            format!(" word{n}x ")
        }
        Node::Raw(start, end, n) => format!("{start} secret{n}x {end}"),
        Node::Element(tag, inside) => element(tag, &html(inside, is_hidden, words)),
        Node::Hiding(tag, inside) => element(tag, &html(inside, true, words)),
    });
    each.collect::<Vec<_>>().concat()
}

fn element(tag: &str, inside: &str) -> String {
    let name = tag.split(' ').next().unwrap();
    format!("<{tag}>{inside}</{name}>")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tags_are_read_without_harm(html in "([<>/!?a-z\"'=& -]|<[a-z]{1,4}|</[a-z]{1,4}>|<(td|li|ul|pre|a href=x|p hidden)>|\\PC){0,60}") {
        let found = read(&html);
        prop_assert!(found.text.len() <= 200 * html.len() + 10);
        let escape = '\u{1b}';
        prop_assert!(!found.text.contains(escape));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_hidden_never_shows(nodes in nodes()) {
        let mut words = Vec::new();
        let html = html(&nodes, false, &mut words);
        let found = read(&html);
        prop_assert!(!found.text.contains("secret"), "{}\n{}", html, found.text);
        prop_assert!(found.is_part || words.iter().all(|word| found.text.contains(word)), "{}\n{}", html, found.text);
    }
}
