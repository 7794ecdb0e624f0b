//! The scopes of keys.

use std::fmt;
use std::str::FromStr;

use wallet_core::TenantId;

/// A right that a key may have. Each method needs one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Estimate,
    Reserve,
    Settle,
    Topup,
    Read,
    Admin,
    Catalog,
    Events,
    Keys,
    Tenants,
}

impl Scope {
    pub(crate) const ALL: [Self; 10] = [
        Self::Estimate,
        Self::Reserve,
        Self::Settle,
        Self::Topup,
        Self::Read,
        Self::Admin,
        Self::Catalog,
        Self::Events,
        Self::Keys,
        Self::Tenants,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Estimate => "estimate",
            Self::Reserve => "reserve",
            Self::Settle => "settle",
            Self::Topup => "topup",
            Self::Read => "read",
            Self::Admin => "admin",
            Self::Catalog => "catalog",
            Self::Events => "events",
            Self::Keys => "keys",
            Self::Tenants => "tenants",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of scopes. Its text has their names, separated by spaces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scopes(u16);

impl Scopes {
    pub(crate) const NONE: Self = Self(0);

    /// Returns the scopes that keys of every tenant can have: all but [`Scope::Tenants`].
    pub(crate) const fn all() -> Self {
        Self(((1 << Scope::ALL.len()) - 1) & !Scope::Tenants.bit())
    }

    /// Returns these scopes as far as a key of the tenant can have them: those that reach other tenants are for the
    /// operator's own tenant.
    pub(crate) fn within(self, tenant: TenantId) -> Self {
        if tenant == TenantId::DEFAULT { self } else { Self(self.0 & Self::all().0) }
    }

    pub(crate) const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Returns the first scope of this set that `held` lacks.
    pub(crate) fn beyond(self, held: Self) -> Option<Scope> {
        self.iter().find(|scope| !held.has(*scope))
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// The text is not a set of scopes.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not a scope; the scopes are {names}, and the sets worker, billing and all, which is every scope but tenants",
    names = Scopes::from_iter(Scope::ALL)
)]
pub(crate) struct UnknownScope(String);

impl FromStr for Scopes {
    type Err = UnknownScope;

    /// Parses names that are separated by commas or spaces. `worker`, `billing` and `all` are sets.
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let mut scopes = Self::NONE;
        for name in text.split([',', ' ']).filter(|name| !name.is_empty()) {
            scopes.0 |= match name {
                "worker" => {
                    [Scope::Estimate, Scope::Reserve, Scope::Settle, Scope::Read].into_iter().collect()
                }
                "billing" => [Scope::Topup, Scope::Admin, Scope::Read, Scope::Events].into_iter().collect(),
                "all" => Self::all(),
                _ => {
                    let scope = Scope::ALL.into_iter().find(|scope| scope.name() == name);
                    Self::from_iter([scope.ok_or_else(|| UnknownScope(name.to_owned()))?])
                }
            }
            .0;
        }
        if scopes == Self::NONE { Err(UnknownScope(text.to_owned())) } else { Ok(scopes) }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Scope::name).collect();
        f.write_str(&names.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_made_sets_separate_spending_from_crediting() {
        let [worker, billing]: [Scopes; 2] = ["worker", "billing"].map(|set| set.parse().unwrap());
        assert_eq!(worker.to_string(), "estimate reserve settle read");
        assert_eq!(billing.to_string(), "topup read admin events");
        let all: Scopes = "all".parse().unwrap();
        assert_eq!(all, Scope::ALL.into_iter().filter(|scope| *scope != Scope::Tenants).collect());
        for (text, wrong) in [("read,write", "write"), ("", ""), (",", ",")] {
            let error = text.parse::<Scopes>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{wrong:?} is not a scope; the scopes are estimate")),
                "{error}"
            );
        }
    }

    #[test]
    fn only_the_tenant_of_the_operator_has_the_scope_of_tenants() {
        let every: Scopes = Scope::ALL.into_iter().collect();
        assert_eq!(every.within(TenantId::DEFAULT), every);
        assert_eq!(every.within(TenantId(uuid::Uuid::nil())), Scopes::all());
    }

    #[test]
    fn the_first_missing_scope_is_found() {
        let [wanted, held]: [Scopes; 2] = ["worker", "estimate,read"].map(|set| set.parse().unwrap());
        assert_eq!(wanted.beyond(held), Some(Scope::Reserve));
        assert_eq!(held.beyond(wanted), None);
    }
}
