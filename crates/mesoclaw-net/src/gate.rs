//! Decides whether an address may be reached. Pure: it resolves nothing and connects to nothing.

use std::net::IpAddr;

use reqwest::Url;

use crate::address::{AddressClass, classify};
use crate::allow::HostPattern;
use crate::error::Refusal;
use crate::target::{self, Target};

/// Where a checked host is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// Every address is public.
    Public,
    /// An address is private, and the host is allowed by name.
    Private,
}

/// The rule of a guard.
pub(crate) struct Gate {
    allow_private: Vec<HostPattern>,
}

impl Gate {
    pub(crate) fn new(allow_private: Vec<HostPattern>) -> Self {
        Self { allow_private }
    }

    /// What can be said before the name is resolved.
    pub(crate) fn check_url(&self, url: &Url) -> Result<Target, Refusal> {
        let target = target::of(url)?;
        let is_allowed = self.is_allowed(&target);
        if target::is_bad_port(target.port) && !is_allowed {
            return Err(Refusal::Port { port: target.port });
        }
        match target::literal(url) {
            Some(address) => {
                self.check_addresses(&target, &[address])?;
            }
            None if target::is_local_name(&target.host) && !is_allowed => {
                return Err(Refusal::LocalName { host: target.host });
            }
            None => {}
        }
        Ok(target)
    }

    /// Every address of a host must pass: a name with a public and a private one is a trap.
    pub(crate) fn check_addresses(
        &self,
        target: &Target,
        addresses: &[IpAddr],
    ) -> Result<Reach, Refusal> {
        let is_allowed = self.is_allowed(target);
        let mut reach = Reach::Public;
        for address in addresses {
            let class = classify(*address);
            if class == AddressClass::Public {
                continue;
            }
            let is_literal = target.host == address.to_string();
            let can_be_allowed = if is_literal {
                class.is_allowed_as_address()
            } else {
                class.is_allowed_by_name()
            };
            let host = target.host.clone();
            let address = *address;
            if !can_be_allowed {
                return Err(Refusal::ForbiddenAddress {
                    host,
                    address,
                    class,
                });
            }
            if !is_allowed {
                return Err(Refusal::PrivateAddress {
                    host,
                    address,
                    class,
                });
            }
            reach = Reach::Private;
        }
        Ok(reach)
    }

    fn is_allowed(&self, target: &Target) -> bool {
        self.allow_private
            .iter()
            .any(|pattern| pattern.matches(&target.host, target.port))
    }
}
