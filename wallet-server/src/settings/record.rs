//! The types of items that the feed gets, as a list of names.

use std::fmt;

use wallet_core::feed::{ItemType, ItemTypes};

/// The types that are left out by default, after `*`.
const DEFAULT: [&str; 3] = ["*", "!job.reserved", "!job.started"];

/// A list of types: names as in `job.settled`, families as in `job.*`, and `*`, each with `!` before it if it is left
/// out. Later ones win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordList {
    names: Vec<String>,
    types: ItemTypes,
}

/// The name is not one of a type, a family or all.
#[derive(Debug, thiserror::Error)]
#[error(
    "{name:?} is not a type of the feed, a family such as \"job.*\", or \"*\", with or without \"!\" before it; the types are {}",
    names_of_types()
)]
pub(crate) struct NoType {
    name: String,
}

impl RecordList {
    /// Reads the names from left to right. A list that begins with `!` leaves types out of the default.
    pub(crate) fn read(names: &[String]) -> Result<Self, NoType> {
        let begins_with_all_but = names.first().is_some_and(|name| name.starts_with('!'));
        let mut types = if begins_with_all_but { ItemTypes::default() } else { ItemTypes::NONE };
        for name in names {
            let (is_in, pattern) = match name.strip_prefix('!') {
                Some(pattern) => (false, pattern),
                None => (true, name.as_str()),
            };
            let named = ItemType::ALL.iter().filter(|item_type| matches(pattern, item_type.name()));
            let mut named = named.peekable();
            if named.peek().is_none() {
                return Err(NoType { name: name.clone() });
            }
            types = named.fold(types, |types, item_type| match is_in {
                true => types.with(*item_type),
                false => types.without(*item_type),
            });
        }
        Ok(Self { names: names.to_vec(), types })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) const fn types(&self) -> ItemTypes {
        self.types
    }
}

impl Default for RecordList {
    fn default() -> Self {
        Self { names: DEFAULT.map(str::to_owned).into(), types: ItemTypes::default() }
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix(".*") {
        Some(family) => name.split('.').next() == Some(family),
        None => pattern == "*" || pattern == name,
    }
}

fn names_of_types() -> impl fmt::Display {
    let names: Vec<&str> = ItemType::ALL.iter().map(|item_type| item_type.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the names of the types that a list records.
    fn recorded(names: &[&str]) -> Vec<&'static str> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let types = RecordList::read(&names).unwrap().types();
        ItemType::ALL.iter().filter(|of| types.contains(**of)).map(|of| of.name()).collect()
    }

    fn all_but(left_out: &[&str]) -> Vec<&'static str> {
        ItemType::ALL.iter().map(|of| of.name()).filter(|name| !left_out.contains(name)).collect()
    }

    #[test]
    fn names_families_and_all_are_added_and_left_out_from_left_to_right() {
        let of_jobs = ["job.reserved", "job.started"];
        let credits: Vec<&str> =
            all_but(&[]).into_iter().filter(|name| name.starts_with("credits.")).collect();
        assert_eq!(recorded(&["*"]), all_but(&[]));
        assert_eq!(recorded(&["*", "!job.reserved", "!job.started"]), all_but(&of_jobs));
        assert_eq!(recorded(&["*", "!credits.*"]), all_but(&credits));
        assert_eq!(recorded(&["credits.*"]), credits);
        assert_eq!(recorded(&["balance.low", "job.settled"]), ["balance.low", "job.settled"]);
        assert_eq!(recorded(&["*", "!job.*", "job.settled"]).len(), all_but(&[]).len() - 6);
        assert_eq!(recorded(&["job.settled", "!*"]), [""; 0]);
        assert_eq!(recorded(&[]), [""; 0]);
    }

    #[test]
    fn a_list_that_begins_with_an_exception_leaves_types_out_of_the_default() {
        assert_eq!(recorded(&["!balance.low"]), all_but(&["job.reserved", "job.started", "balance.low"]));
        assert_eq!(recorded(&["!balance.low", "job.started"]), all_but(&["job.reserved", "balance.low"]));
        assert_eq!(recorded(&["!*"]), [""; 0]);
    }

    #[test]
    fn the_default_names_the_default_types() {
        let default = RecordList::default();
        assert_eq!(RecordList::read(default.names()).unwrap(), default);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        for name in [
            "job.begun",
            "job",
            "jobs.*",
            "job.",
            "",
            "!",
            "!!job.settled",
            "*.settled",
            "job.*.*",
            "Job.settled",
        ] {
            let refused = RecordList::read(&["*".to_owned(), name.to_owned()]).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("{name:?} is not a type of the feed")), "{refused}");
            assert!(
                refused.contains("wallet.created, ") && refused.ends_with(", webhook.disabled"),
                "{refused}"
            );
        }
    }
}
