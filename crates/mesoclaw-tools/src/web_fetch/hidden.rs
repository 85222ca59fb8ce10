//! Whether an element is shown, as far as the element itself tells. Style sheets are not read.

/// What an element says about itself; texts are as written.
#[derive(Clone, Copy, Default)]
pub(crate) struct Attributes<'a> {
    pub(crate) is_hidden: bool,
    pub(crate) aria_hidden: &'a str,
    pub(crate) style: &'a str,
    pub(crate) class: &'a str,
}

/// Class names that mean "not on the screen" in the usual frameworks.
const HIDING_CLASSES: [&str; 5] = [
    "sr-only",
    "visually-hidden",
    "screen-reader-text",
    "visuallyhidden",
    "offscreen",
];

impl Attributes<'_> {
    pub(crate) fn hides(&self) -> bool {
        self.is_hidden
            || self.aria_hidden.trim().eq_ignore_ascii_case("true")
            || self
                .class
                .split_ascii_whitespace()
                .any(|class| HIDING_CLASSES.contains(&class))
            || style_hides(self.style)
    }
}

fn style_hides(style: &str) -> bool {
    if style.is_empty() {
        return false;
    }
    let style = without_comments(&style.to_ascii_lowercase());
    let declarations = style.split(';').filter_map(|declaration| {
        let (name, value) = declaration.split_once(':')?;
        let value = value.trim().trim_end_matches("!important").trim_end();
        Some((name.trim(), value))
    });
    let mut is_clipped_box = [false; 2];
    for (name, value) in declarations {
        let hides = match name {
            "display" => value == "none",
            "visibility" => matches!(value, "hidden" | "collapse"),
            "content-visibility" => value == "hidden",
            "opacity" => number(value).is_some_and(|n| n < 0.05),
            "font-size" | "max-height" | "max-width" | "zoom" => {
                number(value).is_some_and(|n| n < 2.0 && !is_relative(value) || n == 0.0)
            }
            "color" | "-webkit-text-fill-color" => value == "transparent",
            "clip" => value.starts_with("rect("),
            "clip-path" => matches!(value, "inset(50%)" | "inset(100%)" | "circle(0)"),
            "left" | "top" | "right" | "bottom" | "text-indent" | "margin-left" | "margin-top" => {
                number(value).is_some_and(|n| n <= -500.0)
            }
            "transform" => value.contains("scale(0)"),
            "height" | "width" => {
                let is_none = number(value).is_some_and(|n| n <= 1.0 && !is_relative(value));
                let [height, width] = &mut is_clipped_box;
                *(if name == "height" { height } else { width }) = is_none;
                false
            }
            _ => false,
        };
        if hides {
            return true;
        }
    }
    is_clipped_box == [true, true]
}

/// `1em`, `1.5%`, `1rem` are not small.
fn is_relative(value: &str) -> bool {
    value.ends_with(['%', 'm', 'w', 'h'])
}

fn number(value: &str) -> Option<f64> {
    let end = value
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+'))
        .unwrap_or(value.len());
    value.get(..end)?.parse().ok()
}

fn without_comments(style: &str) -> String {
    let mut kept = String::with_capacity(style.len());
    let mut rest = style;
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_that_hide_are_known_in_every_spelling() {
        for (style, expected) in [
            ("", false),
            ("color: red", false),
            ("display:none", true),
            ("DISPLAY : NONE !important", true),
            ("dis/**/play:none", true),
            ("color:red;display:/* x */none", true),
            ("display:block", false),
            ("visibility:hidden", true),
            ("opacity:0", true),
            ("opacity:0.01", true),
            ("opacity:.9", false),
            ("font-size:0", true),
            ("font-size:1px", true),
            ("font-size:1em", false),
            ("font-size:1.2rem", false),
            ("font-size:16px", false),
            ("font-size:0%", true),
            ("max-height:100%", false),
            ("color:transparent", true),
            ("position:absolute;left:-9999px", true),
            ("text-indent:-10000em", true),
            ("margin-left:-10px", false),
            ("clip:rect(0 0 0 0)", true),
            ("width:0;height:0;overflow:hidden", true),
            ("width:1px;height:1px", true),
            ("width:100%;height:0", false),
            ("transform:scale(0)", true),
        ] {
            assert_eq!(style_hides(style), expected, "{style}");
        }
    }
}
