//! The scope that an API key needs for each method, from the option `wallet.v1.scope` of the protos.

use crate::v1::Scope;

/// Every method by its path, in the order of the protos. The build fails if a method has no scope.
pub const SCOPES: &[(&str, Scope)] = include!(concat!(env!("OUT_DIR"), "/scopes.rs"));

/// The prefix of the names of `Scope`, which texts leave out.
const PREFIX: &str = "SCOPE_";

impl Scope {
    /// Returns the scope of the method with this path, for example `/wallet.v1.WalletService/Reserve`. `None` for
    /// methods of other packages.
    pub fn of(path: &str) -> Option<Self> {
        SCOPES.iter().find(|(method, _)| *method == path).map(|(_, scope)| *scope)
    }

    /// Returns all scopes in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..).map_while(|number| Self::try_from(number).ok())
    }

    /// Returns the name in texts, for example `reserve`.
    pub fn short_name(self) -> String {
        self.as_str_name().trim_start_matches(PREFIX).to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_found_by_its_path() {
        assert_eq!(Scope::of("/wallet.v1.WalletService/ReserveMany"), Some(Scope::Reserve));
        assert_eq!(Scope::of("/wallet.v1.TestClockService/AdvanceClock"), Some(Scope::Admin));
        assert_eq!(Scope::of("/grpc.health.v1.Health/Check"), None);
    }

    #[test]
    fn every_scope_is_the_scope_of_a_method() {
        for scope in Scope::all() {
            assert!(SCOPES.iter().any(|(_, of)| *of == scope), "{scope:?}");
        }
        assert_eq!(Scope::all().count(), 10);
        assert_eq!(Scope::Topup.short_name(), "topup");
    }
}
