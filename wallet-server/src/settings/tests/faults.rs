//! Faults of a configuration are reported together, each with its place and the remedy.

use super::Given;

/// Checks the faults of a file, in the order of their places.
fn check(file: &str, expected: &[&str]) {
    assert_eq!(Given::file(file).faults(), expected, "{file}");
}

#[test]
fn an_unknown_name_is_reported_with_its_place_and_the_most_similar_one() {
    check(
        "lanes = 2\nbatchmax = 8\n\n[limits]\n  drian_ms = 5\nzebra = 1\n[limit]\n",
        &[
            "wallet.toml, line 2, column 1: there is no setting batchmax; did you mean batch_max?",
            "wallet.toml, line 5, column 3: there is no setting limits.drian_ms; did you mean limits.drain_ms?",
            "wallet.toml, line 6, column 1: there is no setting limits.zebra; docs/configuration.md lists all",
            "wallet.toml, line 7, column 2: there is no setting limit; did you mean limits?",
        ],
    );
    check(
        "drain_ms = 5",
        &["wallet.toml, line 1, column 1: there is no setting drain_ms; did you mean limits.drain_ms?"],
    );
}

#[test]
fn a_value_out_of_bounds_is_reported_with_the_allowed_ones_from_every_source() {
    check(
        "lanes = 0\n[limits]\nmessage_bytes = 1024\ndrain_ms = -1\n",
        &[
            "wallet.toml, line 1, column 9: lanes: must be a whole number from 1 to 64, is 0",
            "wallet.toml, line 3, column 17: limits.message_bytes: must be a whole number from 65536 to 4194304, is 1024",
            "wallet.toml, line 4, column 12: limits.drain_ms: must be a whole number from 0 to 600000, is -1",
        ],
    );
    let given = Given::nothing().variable("WALLET_LIMITS_CONNECTIONS", "many").flag("lanes", "65");
    assert_eq!(
        given.faults(),
        [
            "--lanes: must be a whole number from 1 to 64, is 65",
            "WALLET_LIMITS_CONNECTIONS: must be a whole number from 16 to 1000000, is \"many\"",
        ]
    );
}

#[test]
fn a_value_of_another_kind_is_reported_without_repeating_it() {
    check(
        "lanes = \"canary\"\nlisten = 5\ncors_origin = \"x\"\ninsecure = 1\ndatabase_url = 1979-05-27\nlimits = 3\n",
        &[
            "wallet.toml, line 1, column 9: lanes: must be a whole number, is a text",
            "wallet.toml, line 2, column 10: listen: must be a text in quotes, is a whole number",
            "wallet.toml, line 3, column 15: cors_origin: must be a list of texts, is a text",
            "wallet.toml, line 4, column 12: insecure: must be true or false, is a whole number",
            "wallet.toml, line 5, column 16: database_url: must be a text in quotes, is a date",
            "wallet.toml, line 6, column 10: limits: must be a table, as in [limits]",
        ],
    );
    check(
        "listen = \"localhost\"\ncors_origin = [\"https://A\"]\n",
        &[
            "wallet.toml, line 1, column 10: listen: must be HOST:PORT, as in localhost:50051, is \"localhost\"",
            "wallet.toml, line 2, column 15: cors_origin: \"https://A\": expected an origin in lower case without a path, \
             as in https://app.example.com, or * for any",
        ],
    );
}

#[test]
fn a_file_that_is_not_toml_is_reported_with_the_place_of_the_fault() {
    let faults = Given::file("lanes = 2\ndatabase_url = postgres://ann:canary@db/wallet\n").faults();
    assert!(faults[0].starts_with("wallet.toml, line 2, column 16: "), "{faults:?}");
    assert!(!faults.concat().contains("canary"), "{faults:?}");
    let faults = Given::file("lanes = 2\nlanes = 3\n").faults();
    assert!(faults[0].starts_with("wallet.toml, line 2, column 1: duplicate key"), "{faults:?}");
}

#[test]
fn a_permission_for_one_start_is_only_a_flag() {
    check(
        "accept_clock = true\nmanual_clock = true\n",
        &[
            "wallet.toml, line 1, column 1: accept_clock: is only a flag of the command line, --accept-clock",
            "wallet.toml, line 2, column 1: manual_clock: is only a flag of the command line, --manual-clock",
        ],
    );
    let variable = Given::nothing().variable("WALLET_ACCEPT_CLOCK", "true");
    assert!(!variable.settings().unwrap().server.accept_clock);
    assert!(Given::nothing().flag("accept_clock", "true").settings().unwrap().server.accept_clock);
}

#[test]
fn an_unknown_type_of_the_feed_is_refused_from_every_source() {
    let refused = |place: &str| {
        let text = "\"job.begun\" is not a type of the feed, a family such as \"job.*\", or \"*\"";
        format!("{place}: {text}")
    };
    let file = Given::file("[feed]\nrecord = [\"*\", \"job.begun\"]").faults();
    assert!(file[0].starts_with(&refused("wallet.toml, line 2, column 10: feed.record")), "{file:?}");
    let variable = Given::nothing().variable("WALLET_FEED_RECORD", "*,job.begun").faults();
    assert!(variable[0].starts_with(&refused("WALLET_FEED_RECORD")), "{variable:?}");
    let flag = Given::nothing().flag("feed.record", "job.begun").faults();
    assert!(flag[0].starts_with(&refused("--feed-record")), "{flag:?}");
}

#[test]
fn a_name_of_certificates_stands_for_one_key() {
    let keys = |second: &str| format!("tls_client_keys = [\"cn:a=aaaaaaaaaa\", \"{second}\"]");
    check(
        &keys("cn:a=bbbbbbbbbb"),
        &[
            "wallet.toml, line 1, column 19: tls_client_keys: \"cn:a\" has the ids of several keys: a name stands for one",
        ],
    );
    for fine in ["cn:a=aaaaaaaaaa", "a=bbbbbbbbbb", "cn:b=aaaaaaaaaa"] {
        check(&keys(fine), &["tls_client_keys needs tls_client_ca and key_pepper_file"]);
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for (file, fault) in [
        ("tls_cert = \"a\"", "tls_cert and tls_key belong together: give both or neither"),
        ("tls_key = \"a\"", "tls_cert and tls_key belong together: give both or neither"),
        ("tls_client_ca = \"a\"", "tls_client_ca needs tls_cert and tls_key"),
        ("tls_client_optional = true", "tls_client_optional needs tls_client_ca and key_pepper_file"),
        ("tls_client_keys = [\"a=aaaaaaaaaa\"]", "tls_client_keys needs tls_client_ca and key_pepper_file"),
        (
            "limits.calls_per_second = 5",
            "limits.calls_per_second is per API key, which needs key_pepper_file",
        ),
        ("nats.ca_file = \"a\"", "nats.credentials_file and nats.ca_file need nats.url"),
        (
            "key_pepper_file = \"p\"\nlimits.calls_burst = 5",
            "limits.calls_burst needs limits.calls_per_second",
        ),
        (
            "limits.tenant_calls_per_second = 5",
            "limits.tenant_calls_per_second is for tenants with API keys, which need key_pepper_file",
        ),
        (
            "key_pepper_file = \"p\"\nlimits.tenant_calls_burst = 5",
            "limits.tenant_calls_burst needs limits.tenant_calls_per_second",
        ),
        (
            "limits.waiting_per_lane = 64",
            "limits.waiting_per_wallet must not be above limits.waiting_per_lane",
        ),
    ] {
        check(file, &[fault]);
    }
}
