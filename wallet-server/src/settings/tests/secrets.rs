//! Secrets come from files, too, and are never shown.

use std::fs;

use super::Given;
use crate::settings::{Overrides, effective};

const URL: &str = "postgres://ann:canary@db.internal/wallet";

fn url(given: &Given) -> String {
    given.settings().unwrap().server.database_url.secret().to_owned()
}

#[test]
fn a_secret_may_be_in_a_file_of_its_own() {
    let given = Given::file("");
    let secret = given.folder.path().join("url");
    fs::write(&secret, format!("{URL}\n")).unwrap();
    let secret = secret.display().to_string();
    assert_eq!(url(&Given::file(&format!("database_url_file = {secret:?}"))), URL);
    assert_eq!(url(&Given::nothing().variable("WALLET_DATABASE_URL_FILE", &secret)), URL);
    assert_eq!(url(&Given::nothing().flag("database_url_file", &secret)), URL);
    // The later source wins, under either name.
    let file = format!("database_url_file = {secret:?}");
    assert_eq!(url(&Given::file(&file).variable("WALLET_DATABASE_URL", "sqlite://x")), "sqlite://x");
    let file = "database_url = \"sqlite://x\"";
    assert_eq!(url(&Given::file(file).variable("WALLET_DATABASE_URL_FILE", &secret)), URL);
    let missing = Given::nothing().flag("database_url_file", "/nowhere").settings().unwrap_err();
    assert_eq!(missing.to_string(), "/nowhere cannot be read");
}

#[test]
fn one_source_gives_a_secret_under_one_name() {
    let both = Given::file("database_url = \"sqlite://x\"\ndatabase_url_file = \"y\"");
    let fault = "database_url and database_url_file exclude each other; give one";
    assert_eq!(both.faults(), [format!("wallet.toml, line 2, column 21: {fault}")]);
    let both = Given::nothing().flag("database_url", "sqlite://x").flag("database_url_file", "y");
    assert_eq!(both.faults(), [format!("--database-url-file: {fault}")]);
}

#[test]
fn a_relative_secret_file_is_looked_for_among_the_credentials_first() {
    let credentials = tempfile::tempdir().unwrap();
    for name in ["url", "pepper", "key", "cert"] {
        fs::write(credentials.path().join(name), URL).unwrap();
    }
    let folder = credentials.path().display().to_string();
    let file =
        "database_url_file = \"url\"\nkey_pepper_file = \"pepper\"\ntls_key = \"key\"\ntls_cert = \"cert\"\n";
    let given = Given::file(file).variable("CREDENTIALS_DIRECTORY", &folder);
    assert_eq!(url(&given), URL);
    let server = given.settings().unwrap().server;
    assert_eq!(server.key_pepper_file, Some(credentials.path().join("pepper")));
    assert_eq!(server.tls_key, Some(credentials.path().join("key")));
    assert_eq!(server.tls_cert, Some("cert".into()), "a certificate is no secret");
    // Other names are left as they are.
    let other = Given::file("key_pepper_file = \"elsewhere\"").variable("CREDENTIALS_DIRECTORY", &folder);
    assert_eq!(other.settings().unwrap().server.key_pepper_file, Some("elsewhere".into()));
    let absolute =
        Given::file("key_pepper_file = \"/etc/pepper\"").variable("CREDENTIALS_DIRECTORY", &folder);
    assert_eq!(absolute.settings().unwrap().server.key_pepper_file, Some("/etc/pepper".into()));
}

#[test]
fn the_effective_settings_show_sources_and_no_secret() {
    let given = Given::file(&format!("database_url = {URL:?}\n[limits]\ndrain_ms = 7\n"))
        .variable("WALLET_LANES", "3")
        .flag("batch_max", "4");
    let shown = effective(&given.values().unwrap()).unwrap();
    let path = given.path().display().to_string();
    for line in [
        format!("database_url = \"***\" # {path}, line 1: postgres://ann@db.internal:5432/wallet"),
        "lanes = 3 # WALLET_LANES".to_owned(),
        "batch_max = 4 # --batch-max".to_owned(),
        "cached_rows = 64000 # default".to_owned(),
        "# tls_cert: none; connections are not encrypted".to_owned(),
        "[limits]".to_owned(),
        format!("drain_ms = 7 # {path}, line 3"),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    for text in [shown.clone(), format!("{:?}", given.settings().unwrap())] {
        assert!(!text.contains("canary"), "{text}");
    }
    // The output is a file again, with the exception of secrets.
    let again = Given::file(&shown).settings().unwrap();
    assert_eq!(again.limits, given.settings().unwrap().limits);
    let overrides = Overrides { file: None, flags: vec![("database_url".to_owned(), URL.to_owned())] };
    assert_eq!(format!("{overrides:?}"), "Overrides { file: None, flags: [\"database_url\"] }");
    let contradictory = Given::file("tls_cert = \"a\"").values().unwrap();
    assert!(effective(&contradictory).is_err());
}
