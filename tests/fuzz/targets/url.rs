//! Addresses of any kind: what the guard lets through leads to a public place, and says the same
//! when it is read once more.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use mesoclaw_net::{AddressClass, Guard, GuardOptions, HostPattern, Scheme, WebUrl, classify};

fuzz_target!(|text: &str| {
    let guard = Guard::new(GuardOptions::default());
    if let Ok(target) = guard.check_url(text) {
        if let Ok(address) = target.host.parse::<IpAddr>() {
            assert_eq!(classify(address), AddressClass::Public, "{text:?}");
        }
        assert!(
            !target.host.is_empty() && !target.host.ends_with('.'),
            "{text:?}"
        );
        let is_local = target.host == "localhost" || target.host.ends_with(".localhost");
        assert!(!is_local, "{text:?}");
        assert_eq!(target.host, target.host.to_lowercase(), "{text:?}");
        let scheme = match target.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let again = guard.check_url(&format!("{scheme}://{target}/"));
        assert_eq!(again.ok(), Some(target), "{text:?}");
    }
    if let Some(url) = WebUrl::parse(text) {
        url.host();
        url.path();
        url.query_value("q");
        url.join(text);
        assert!(WebUrl::parse(url.as_str()).is_some(), "{text:?}");
    }
    text.parse::<HostPattern>().ok();
});
