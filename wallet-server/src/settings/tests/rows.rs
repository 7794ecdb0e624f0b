//! Every row of the settings is consistent.

use std::collections::BTreeSet;

use crate::settings::form::Raw;
use crate::settings::{Sources, all};

#[test]
fn defaults_floors_and_ceilings_are_values_of_their_settings() {
    for setting in all() {
        let path = setting.path();
        if let Some(default) = (setting.default)() {
            assert_eq!(setting.accept(default.clone()), Ok(default), "{path}");
            assert_eq!(setting.absent, "", "{path} has a default");
        } else {
            assert_ne!(setting.absent, "", "{path}: the meaning of an absent value");
        }
        let Some((floor, ceiling)) = setting.form.bounds() else { continue };
        assert!(floor < ceiling, "{path}");
        for (number, is_allowed) in [(floor - 1, false), (floor, true), (ceiling, true), (ceiling + 1, false)]
        {
            assert_eq!(setting.accept(Raw::Number(number)).is_ok(), is_allowed, "{path} = {number}");
        }
    }
}

#[test]
fn names_flags_and_variables_are_unique() {
    let (mut paths, mut flags, mut variables) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for name in all().flat_map(|setting| setting.names()) {
        assert!(variables.insert(name.variable()), "{}", name.variable());
        assert!(flags.insert(name.flag()), "{}", name.flag());
        assert!(paths.insert(name.path.clone()), "{}", name.path);
    }
    assert!(!variables.contains("WALLET_CONFIG") && !flags.contains("config"));
}

#[test]
fn bytes_and_times_have_their_unit_in_the_name() {
    for setting in all() {
        let (key, unit) = (setting.key(), setting.form.unit());
        assert_eq!(key.ends_with("_bytes"), unit == "bytes", "{key}");
        assert_eq!(key.ends_with("_ms"), unit == "ms", "{key}");
        assert!(setting.doc().ends_with('.'), "{key}");
        assert!(setting.sources != Sources::FlagOnly || unit == "true or false", "{key}");
    }
}
