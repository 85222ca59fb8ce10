//! An address of the web that is read, joined and taken apart, by the same parser the guard uses.

use reqwest::Url;

/// An `http:` or `https:` address. Having one says nothing about whether it may be asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebUrl(Url);

impl WebUrl {
    /// Reads an address; `None` = it is none of the web.
    pub fn parse(text: &str) -> Option<Self> {
        Url::parse(text.trim()).ok().and_then(Self::of)
    }

    fn of(url: Url) -> Option<Self> {
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        is_web.then_some(Self(url))
    }

    /// Where a link on this page leads; `None` = nowhere on the web, or to a place on the page.
    pub fn join(&self, href: &str) -> Option<String> {
        let href = href.trim();
        if href.is_empty() || href.starts_with('#') {
            return None;
        }
        let joined = Self::of(self.0.join(href).ok()?)?;
        Some(joined.0.into())
    }

    /// This address with these names and values as its query.
    pub fn with_query(&self, pairs: &[(&str, &str)]) -> String {
        let mut url = self.0.clone();
        url.query_pairs_mut().clear().extend_pairs(pairs);
        url.into()
    }

    /// The first value of this name in the query.
    pub fn query_value(&self, name: &str) -> Option<String> {
        let mut pairs = self.0.query_pairs();
        let found = pairs.find(|(own, _)| own == name)?;
        Some(found.1.into_owned())
    }

    /// The host, as the address has it.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The path.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}
