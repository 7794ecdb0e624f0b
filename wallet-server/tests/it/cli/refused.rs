//! Command lines that are refused: each prints a reason, and none prints a password.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::run;
use crate::harness::Database;

/// Runs a command that must exit with code 2 and print only to standard error. Returns that output.
fn refused(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let ended = run(arguments, environment);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}: {ended:?}");
    ended.stderr
}

#[test]
fn an_option_before_the_command_is_refused() {
    let (wanted, other) = (Database::sqlite(), Database::sqlite());
    for command in ["serve", "migrate", "verify"] {
        let output =
            refused(&["--database-url", &wanted.url, command], &[("WALLET_DATABASE_URL", &other.url)]);
        assert!(output.contains(command) && output.contains("cannot be used with"), "{output}");
        let output = refused(&["--config", "wallet.toml", command], &[]);
        assert!(output.contains(command) && output.contains("cannot be used with"), "{output}");
    }
    let file = other.url.strip_prefix("sqlite://").unwrap();
    assert!(!std::fs::exists(file).unwrap(), "another database was made");
}

#[test]
fn numbers_out_of_bounds_and_a_broken_log_filter_are_refused() {
    let database = Database::sqlite();
    let serve = |more: &[&str], environment: &[(&str, &str)]| {
        let usual = ["serve", "--listen", "127.0.0.1:0", "--database-url", &database.url];
        refused(&[&usual, more].concat(), environment)
    };
    for (flag, value, allowed) in [
        ("--lanes", "0", "from 1 to 64"),
        ("--lanes", "65", "from 1 to 64"),
        ("--batch-max", "0", "from 1 to 4096"),
        ("--cached-rows", "10000001", "from 0 to 10000000"),
        ("--queue-wait-ms", "5", "from 10 to 60000"),
    ] {
        let output = serve(&[flag, value], &[]);
        assert!(output.contains(flag) && output.contains(allowed), "{output}");
    }
    let output = serve(&["--lanes", "2"], &[]);
    assert!(output.contains("2 lanes are too many for this database"), "{output}");
    let output = refused(&["serve", "--listen", "localhost", "--database-url", &database.url], &[]);
    assert!(output.contains("HOST:PORT"), "{output}");
    let output = serve(&[], &[("WALLET_LOG", "wallet_server=loud")]);
    let fault = "WALLET_LOG: must be a log filter, as in warn,wallet_server=debug, is \"wallet_server=loud\"";
    assert!(output.contains(fault), "{output}");
    let output = refused(&["migrate", "--database-url", &database.url], &[("WALLET_LOG", "=,")]);
    assert!(output.contains("WALLET_LOG: must be a log filter"), "{output}");
}

#[test]
fn a_password_is_never_shown_however_a_url_is_written() {
    for url in [
        "postgres://ann:canary@127.0.0.1:1/db",
        "postgres://ann:canary@127.0.0.1:99999/db",
        "postgres://ann:5432#canary@127.0.0.1/db",
        "postgres://ann:12/canary@127.0.0.1/db",
        "postgres:ann:canary@@127.0.0.1",
        "postgres://ann@127.0.0.1:1/db?pasword=canary",
        "postgres://ann@127.0.0.1:1/db?password=canary&sslmode=canary",
        "postgre://ann:canary@127.0.0.1/db",
    ] {
        let everything = ("WALLET_LOG", "trace");
        for output in [
            refused(&["migrate", "--database-url", url], &[everything]),
            refused(&["verify"], &[everything, ("WALLET_DATABASE_URL", url)]),
            refused(&["serve", "--listen", "127.0.0.1:0", "--database-url", url], &[everything]),
        ] {
            assert!(output.contains("error: the database is unavailable: "), "{url}: {output}");
            assert!(!output.contains("canary"), "{url}: {output}");
        }
    }
}

#[test]
fn a_correct_password_is_not_logged_either() {
    let url = Database::postgres().url.replace("postgres@", "postgres:canary@");
    let ended = run(&["migrate", "--database-url", &url], &[("WALLET_LOG", "trace")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.is_empty() && !format!("{ended:?}").contains("canary"), "{ended:?}");
}

#[test]
fn an_unreachable_database_is_named_with_the_cause() {
    let output = refused(&["migrate", "--database-url", "postgres://ann@127.0.0.1:1/db"], &[]);
    assert!(
        output.contains("cannot connect to postgres://ann@127.0.0.1:1/db: Connection refused"),
        "{output}"
    );
    let output = refused(&["catalog", "show", "--endpoint", "http://127.0.0.1:1"], &[]);
    assert!(
        output.contains("http://127.0.0.1:1: cannot connect") && output.contains("Connection refused"),
        "{output}"
    );
    let missing = Database::postgres().url.replace("/test_", "/missing_");
    let output = refused(&["migrate", "--database-url", &missing], &[]);
    assert!(output.contains("does not exist; create it first: createdb missing_"), "{output}");
}

/// Agrees to encrypt, then breaks the TLS handshake.
fn breaks_the_handshake(mut connection: TcpStream) {
    let mut request = [0; 8];
    connection.read_exact(&mut request).expect("a request to encrypt");
    connection.write_all(b"S").expect("agreed");
    let _ = connection.read(&mut [0; 1_024]);
    let _ = connection.write_all(b"this is no TLS at all, and long enough to be read as a record");
}

#[test]
fn a_failed_tls_handshake_names_both_remedies() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || listener.incoming().flatten().for_each(breaks_the_handshake));
    let output = refused(&["migrate", "--database-url", &format!("postgres://ann@{address}/db")], &[]);
    for word in ["sslmode=disable", "sslrootcert=", &address.to_string()] {
        assert!(output.contains(word), "{word}: {output}");
    }
}
