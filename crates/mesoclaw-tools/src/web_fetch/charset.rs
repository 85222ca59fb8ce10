//! Bytes to text. The order is that of browsers: byte order mark, header, `<meta>`, then UTF-8 if
//! it is valid and Windows-1252 if not.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How far into a page a `<meta>` is looked for.
const META_BYTES: usize = 1024;

/// Text of a body; faults become replacement characters.
pub(crate) fn decode(body: &[u8], header: Option<&str>, is_html: bool) -> String {
    let encoding = Encoding::for_bom(body)
        .map(|(encoding, _)| encoding)
        .or_else(|| Encoding::for_label(header?.as_bytes()))
        .or_else(|| is_html.then(|| from_meta(body)).flatten())
        .unwrap_or_else(|| guess(body));
    encoding.decode(body).0.into_owned()
}

fn guess(body: &[u8]) -> &'static Encoding {
    match std::str::from_utf8(body) {
        Ok(_) => UTF_8,
        // A body that was cut may end inside a character.
        Err(error) if error.error_len().is_none() => UTF_8,
        Err(_) => WINDOWS_1252,
    }
}

fn from_meta(body: &[u8]) -> Option<&'static Encoding> {
    let (start, _) = body.split_at(body.len().min(META_BYTES));
    let text = String::from_utf8_lossy(start).to_ascii_lowercase();
    let label = text.split("charset").skip(1).find_map(|rest| {
        let value = rest.trim_start().strip_prefix('=')?.trim_start();
        let value = value.trim_start_matches(['"', '\'']);
        let end = value
            .find(['"', '\'', ';', ' ', '>', '/'])
            .unwrap_or(value.len());
        value.get(..end).filter(|label| !label.is_empty())
    })?;
    let encoding = Encoding::for_label(label.as_bytes())?;
    // A page that can be read so far is not UTF-16, whatever it says.
    Some(if encoding == UTF_16LE || encoding == UTF_16BE {
        UTF_8
    } else {
        encoding
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charset_is_found_as_browsers_find_it() {
        for (body, header, expected) in [
            (
                b"\xef\xbb\xbfgr\xc3\xbcn".as_slice(),
                Some("latin1"),
                "grün",
            ),
            (b"\xff\xfeg\0r\0", None, "gr"),
            (b"gr\xfcn", Some("iso-8859-1"), "grün"),
            (b"gr\xfcn", None, "grün"),
            (b"gr\xc3\xbcn", None, "grün"),
            (b"gr\xc3\xbcn\xc3", None, "grün\u{fffd}"),
            (b"\x93\xfa\x96\x7b", Some("shift_jis"), "日本"),
            (b"\xc8\xd5\xb1\xbe", Some("gb2312"), "日本"),
            (b"\xd0\xc9", Some("koi8-r"), "пи"),
            (b"x", Some("no such charset"), "x"),
            (b"a\xffb", Some("utf-8"), "a\u{fffd}b"),
        ] {
            assert_eq!(decode(body, header, false), expected, "{body:?}");
        }
    }

    #[test]
    fn a_page_names_its_charset_itself() {
        for (meta, expected) in [
            ("<meta charset=koi8-r>", "пи"),
            ("<META CharSet = \"KOI8-R\"/>", "пи"),
            (
                "<meta http-equiv=content-type content='text/html; charset=koi8-r'>",
                "пи",
            ),
            ("<meta charset=utf-16>", "\u{fffd}\u{fffd}"),
            ("<meta charset=nonsense>", "ÐÉ"),
            ("<meta name=charset>", "ÐÉ"),
        ] {
            let body = [meta.as_bytes(), b"\xd0\xc9"].concat();
            let text = decode(&body, None, true);
            assert_eq!(text.strip_prefix(meta), Some(expected), "{meta}");
        }
    }
}
