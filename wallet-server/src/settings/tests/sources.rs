//! The later source wins: default, file, environment, flag.

use std::path::Path;
use std::time::Duration;

use super::Given;
use crate::settings::Settings;

#[test]
fn without_any_source_the_defaults_apply() {
    assert_eq!(Given::nothing().settings().unwrap(), Settings::default());
    assert_eq!(Given::file("").settings().unwrap(), Settings::default());
}

#[test]
fn a_file_wins_over_defaults_a_variable_over_the_file_and_a_flag_over_both() {
    let file = "batch_max = 8\nlisten = \"localhost:1\"\n[limits]\ndrain_ms = 1_000\nconnections = 0x20\n";
    let batch = |given: Given| given.settings().unwrap().server.batch_max;
    assert_eq!(batch(Given::nothing()), 256);
    assert_eq!(batch(Given::file(file)), 8);
    assert_eq!(batch(Given::file(file).variable("WALLET_BATCH_MAX", "9")), 9);
    assert_eq!(batch(Given::file(file).variable("WALLET_BATCH_MAX", "9").flag("batch_max", "10")), 10);
    let given = Given::file(file).variable("WALLET_LIMITS_DRAIN_MS", "2000").settings().unwrap();
    assert_eq!((given.limits.drain, given.limits.connections), (Duration::from_secs(2), 32));
    assert_eq!(given.server.listen.to_string(), "localhost:1");
}

#[test]
fn a_variable_that_a_flag_overrides_is_not_read_and_an_empty_one_is_absent() {
    let given = Given::nothing().variable("WALLET_LANES", "none").flag("lanes", "2");
    assert_eq!(given.settings().unwrap().server.lanes, Some(2));
    let given = Given::file("lanes = 3").variable("WALLET_LANES", "").variable("WALLET_CATALOG", "");
    let server = given.settings().unwrap().server;
    assert_eq!((server.lanes, server.catalog), (Some(3), None));
}

#[test]
fn a_switch_can_be_turned_off_again() {
    let insecure = |given: Given| given.settings().unwrap().server.insecure;
    assert!(insecure(Given::file("insecure = true")));
    assert!(!insecure(Given::file("insecure = true").flag("insecure", "false")));
    assert!(insecure(Given::nothing().variable("WALLET_INSECURE", "true")));
}

#[test]
fn a_list_is_written_with_commas_outside_the_file() {
    let origins = |given: Given| {
        let found = given.settings().unwrap().server.cors_origin;
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let both = ["https://a.example", "https://b.example"];
    assert_eq!(origins(Given::file("cors_origin = [\"https://a.example\", \"https://b.example\"]")), both);
    assert_eq!(
        origins(Given::nothing().variable("WALLET_CORS_ORIGIN", "https://a.example, https://b.example")),
        both
    );
}

#[test]
fn the_file_may_be_named_by_a_variable() {
    let named = Given::file("lanes = 3");
    let path = named.path().display().to_string();
    let given = Given::nothing().variable("WALLET_CONFIG", &path);
    assert_eq!(given.settings().unwrap().server.lanes, Some(3));
    let missing = Given::nothing().variable("WALLET_CONFIG", "/nowhere.toml").settings().unwrap_err();
    assert_eq!(missing.to_string(), "/nowhere.toml cannot be read");
}

#[test]
fn a_file_that_is_given_wins_over_the_one_that_a_variable_names() {
    let given = Given::file("lanes = 4").variable("WALLET_CONFIG", "/nowhere.toml");
    assert_eq!(given.settings().unwrap().server.lanes, Some(4));
    assert!(Path::new(&given.path()).exists());
}
