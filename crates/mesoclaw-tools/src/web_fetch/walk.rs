//! Walks over the tags of a page and keeps account of what is open: enough of a tree to know what
//! is hidden and which part of the page a text is in. No tree is built, so depth costs nothing.

use std::str;

use html5gum::{HtmlString, StartTag};

use super::blocks::Zone;
use super::hidden::Attributes;

/// Elements deeper than this are not kept account of.
const MAX_DEPTH: usize = 256;

/// Elements without an end.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// Elements whose content is no text of the page.
const WITHOUT_TEXT: [&str; 24] = [
    "applet", "audio", "button", "canvas", "datalist", "dialog", "frameset", "iframe", "map",
    "meter", "noembed", "noframes", "noscript", "object", "optgroup", "option", "progress",
    "script", "select", "style", "svg", "template", "textarea", "video",
];

/// An open element.
struct Open {
    name: String,
    key: u128,
    zone: Zone,
    hides: bool,
    /// Neither it nor anything around it hides.
    is_shown: bool,
}

/// A shown element that was closed.
pub(crate) struct Closed {
    pub(crate) name: String,
    pub(crate) zone: Zone,
}

/// The open elements.
#[derive(Default)]
pub(crate) struct Elements {
    open: Vec<Open>,
    n_hiding: usize,
    n_paragraphs: usize,
}

impl Elements {
    pub(crate) fn is_hidden(&self) -> bool {
        self.n_hiding > 0
    }

    pub(crate) fn zone(&self) -> Zone {
        self.open.last().map_or(Zone::Plain, |open| open.zone)
    }

    /// Whether the innermost element is of this name.
    pub(crate) fn is_in(&self, name: &str) -> bool {
        self.open.last().is_some_and(|open| open.name == name)
    }

    /// Opens an element.
    pub(crate) fn open(&mut self, tag: &StartTag<()>, name: &str) {
        if VOID.contains(&name) || self.open.len() >= MAX_DEPTH {
            return;
        }
        let hides = hides(tag, name);
        let zone = self.zone_of(tag, name);
        self.n_hiding += usize::from(hides);
        self.n_paragraphs += usize::from(name == "p");
        self.open.push(Open {
            name: name.to_owned(),
            key: key(name),
            zone,
            hides,
            is_shown: self.n_hiding == 0,
        });
    }

    /// Closes the nearest element of this name, with all that is open inside; gives what was
    /// shown of it, innermost first. `None` = no such element is open.
    pub(crate) fn close(&mut self, name: &str) -> Option<Vec<Closed>> {
        let key = key(name);
        let at = self.open.iter().rposition(|open| open.key == key)?;
        Some(self.close_from(at))
    }

    /// Closes what ends by itself when `name` begins, but nothing around an element that hides:
    /// rather too little is shown than too much.
    pub(crate) fn close_implied(&mut self, name: &str) -> Vec<Closed> {
        let (ending, borders): (&[&str], &[&str]) = match name {
            "li" => return self.close_last(&["li"]),
            "dt" | "dd" => return self.close_last(&["dt", "dd"]),
            "tr" => (&["tr", "td", "th"], &["table"]),
            "td" | "th" => (&["td", "th"], &["tr", "table"]),
            "thead" | "tbody" | "tfoot" => {
                (&["thead", "tbody", "tfoot", "tr", "td", "th"], &["table"])
            }
            "option" => (&["option"], &["select", "datalist"]),
            "body" => (&["head"], &[]),
            name if self.n_paragraphs > 0 && is_block(name) => {
                (&["p"], &["table", "td", "th", "button", "object"])
            }
            _ => return Vec::new(),
        };
        let keys = |names: &[&str]| names.iter().map(|name| key(name)).collect::<Vec<_>>();
        let (ending, borders) = (keys(ending), keys(borders));
        let inside = self.open.iter().enumerate().rev();
        let first = inside
            .take_while(|(_, open)| {
                let is_ending = ending.contains(&open.key);
                !borders.contains(&open.key) && (is_ending || !open.hides)
            })
            .filter(|(_, open)| ending.contains(&open.key))
            .last()
            .map(|(at, _)| at);
        first.map(|at| self.close_from(at)).unwrap_or_default()
    }

    /// Closes the nearest of these, unless something that holds paragraphs is open inside it.
    fn close_last(&mut self, names: &[&str]) -> Vec<Closed> {
        let at = self.open.iter().rposition(|open| {
            let name = open.name.as_str();
            let holds = is_block(name) || matches!(name, "td" | "th" | "button" | "object");
            let ends = holds && !matches!(name, "address" | "div" | "p");
            names.contains(&name) || ends || open.hides
        });
        match at.filter(|at| {
            let open = self.open.get(*at);
            open.is_some_and(|open| names.contains(&open.name.as_str()))
        }) {
            Some(at) => self.close_from(at),
            None => Vec::new(),
        }
    }

    fn close_from(&mut self, at: usize) -> Vec<Closed> {
        let closed = self.open.split_off(at);
        let n_hiding = closed.iter().filter(|open| open.hides).count();
        self.n_hiding -= n_hiding;
        self.n_paragraphs -= closed.iter().filter(|open| open.name == "p").count();
        let shown = closed.into_iter().rev().filter(|open| open.is_shown);
        shown
            .map(|Open { name, zone, .. }| Closed { name, zone })
            .collect()
    }

    fn zone_of(&self, tag: &StartTag<()>, name: &str) -> Zone {
        let inherited = self.zone();
        match (name, attribute(tag, "role")) {
            ("main", _) | (_, "main") => Zone::Main,
            ("nav" | "footer" | "aside", _)
            | (_, "navigation" | "contentinfo" | "complementary" | "banner" | "search") => {
                Zone::Around
            }
            ("header", _) if inherited == Zone::Plain => Zone::Around,
            ("article", _) if inherited == Zone::Plain => Zone::Main,
            _ => inherited,
        }
    }
}

/// Whether nothing inside an element is text that a reader sees.
fn hides(tag: &StartTag<()>, name: &str) -> bool {
    let attributes = Attributes {
        is_hidden: tag.attributes.contains_key(b"hidden".as_slice()),
        aria_hidden: attribute(tag, "aria-hidden"),
        style: attribute(tag, "style"),
        class: attribute(tag, "class"),
    };
    let is_shown_dialog = name == "dialog" && tag.attributes.contains_key(b"open".as_slice());
    let has_no_text = WITHOUT_TEXT.contains(&name) && !is_shown_dialog;
    has_no_text || (attributes.hides() && !matches!(name, "html" | "body"))
}

/// The first bytes of a name as a number: names are compared often, and no two that matter here
/// begin with the same sixteen.
fn key(name: &str) -> u128 {
    name.bytes()
        .take(16)
        .fold(0, |key, byte| (key << 8) | u128::from(byte))
}

/// A value as text; what is no text is as good as missing.
pub(crate) fn attribute<'a>(tag: &'a StartTag<()>, name: &str) -> &'a str {
    let value = tag.attributes.get(name.as_bytes());
    value.map_or("", |value| text_of(value))
}

/// Text of a token: the input was text, so only cut characters are lost.
pub(crate) fn text_of(bytes: &HtmlString) -> &str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let (valid, _) = bytes.split_at(error.valid_up_to());
            str::from_utf8(valid).unwrap_or_default()
        }
    }
}

/// Elements that stand in lines of their own.
pub(crate) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "tfoot"
            | "thead"
            | "tr"
            | "ul"
    )
}
