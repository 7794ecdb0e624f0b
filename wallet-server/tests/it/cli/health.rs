//! The command `health`, as the probe of a container runs it.

use std::fs;
use std::net::TcpListener;

use super::{Ended, run};
use crate::harness::{Database, Front, Process, Proxy};
use crate::tls::Certificate;

/// Checks the server that a configuration file names, or the one that the arguments name.
fn health(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    run(&[&["health"], arguments].concat(), environment)
}

/// Returns the one line of a probe that failed.
fn failed(ended: &Ended) -> &str {
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    &ended.stdout
}

#[test]
fn a_running_server_is_serving_and_a_stopped_one_cannot_be_reached() {
    let database = Database::sqlite();
    let mut server = Process::start(&database, &[]);
    let port = server.address.split_once(':').unwrap().1.to_owned();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wallet.toml");
    // The probe needs no secret: a person may run it who cannot read the secrets of the service.
    fs::write(&file, format!("listen = \"0.0.0.0:{port}\"\ndatabase_url_file = \"database-url\"\n")).unwrap();
    let file = file.display().to_string();
    let line = format!("http://{} is serving\n", server.address);
    let everywhere = format!("0.0.0.0:{port}");
    for (arguments, environment) in [
        (vec!["--endpoint", &server.endpoint()], vec![]),
        (vec![], vec![("WALLET_ENDPOINT", server.endpoint())]),
        (vec!["--config", &file], vec![]),
        (vec![], vec![("WALLET_CONFIG", file.clone())]),
        (vec![], vec![("WALLET_LISTEN", everywhere)]),
    ] {
        let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let ended = health(&arguments, &environment);
        assert_eq!((ended.code, &ended.stdout), (Some(0), &line), "{arguments:?} {environment:?} {ended:?}");
    }
    server.stop();
    let ended = health(&["--config", &file], &[]);
    assert!(failed(&ended).contains(" cannot be reached: "), "{ended:?}");
}

#[test]
fn a_server_that_needs_keys_is_checked_without_one() {
    let front = Front::new(Database::sqlite());
    let server = Process::start(&front.database, &["--key-pepper-file", &front.pepper_file()]);
    assert_eq!(health(&["--endpoint", &server.endpoint()], &[]).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_database_is_away_is_not_serving() {
    let postgres = Database::postgres();
    let proxy = Proxy::start(postgres.address(), 1).await;
    let server = Process::start(&postgres.by_way_of(proxy.address), &[]);
    let endpoint = server.endpoint();
    let probe = move || health(&["--endpoint", &endpoint], &[]);
    assert_eq!(tokio::task::spawn_blocking(probe.clone()).await.unwrap().code, Some(0));
    proxy.silence();
    let mut ended = tokio::task::spawn_blocking(probe.clone()).await.unwrap();
    for _ in 0..400 {
        if ended.code != Some(0) {
            break;
        }
        ended = tokio::task::spawn_blocking(probe.clone()).await.unwrap();
    }
    assert!(failed(&ended).contains(" is not serving; /readyz "), "{ended:?}");
}

#[test]
fn the_certificate_is_verified_also_of_the_server_of_this_machine() {
    let database = Database::sqlite();
    let certificate = Certificate::new();
    let server = certificate.serve(&database);
    let endpoint = format!("https://{}", server.address);
    let line = format!("{endpoint} is serving\n");
    let authority = certificate.path("ca.pem");
    let with = health(&["--endpoint", &endpoint, "--ca-file", &authority], &[]);
    assert_eq!((with.code, &with.stdout), (Some(0), &line), "{with:?}");
    let without = health(&["--endpoint", &endpoint], &[]);
    assert!(failed(&without).contains("needs --ca-file"), "{without:?}");
    let stranger = Certificate::new();
    let stranger = health(&["--endpoint", &endpoint, "--ca-file", &stranger.path("ca.pem")], &[]);
    assert!(failed(&stranger).contains(" cannot be reached: "), "{stranger:?}");

    // Without that of its authority the server works, and the probe says what its file lacks.
    let [alone, key] = ["server.pem", "server.key"].map(|name| certificate.path(name));
    let of_settings =
        [("WALLET_LISTEN", server.address.as_str()), ("WALLET_TLS_CERT", &alone), ("WALLET_TLS_KEY", &key)];
    let ended = health(&[], &of_settings);
    assert!(
        failed(&ended).contains("add the authority of the certificate to the file of tls_cert"),
        "{ended:?}"
    );

    // The file of the server has its certificate and that of its authority, as for callers.
    let chain = ["server.pem", "ca.pem"].map(|name| fs::read_to_string(certificate.path(name)).unwrap());
    fs::write(certificate.path("chain.pem"), chain.concat()).unwrap();
    let [chain, key] = ["chain.pem", "server.key"].map(|name| certificate.path(name));
    let of_settings =
        [("WALLET_LISTEN", server.address.as_str()), ("WALLET_TLS_CERT", &chain), ("WALLET_TLS_KEY", &key)];
    let ended = health(&[], &of_settings);
    assert_eq!((ended.code, &ended.stdout), (Some(0), &line), "{ended:?}");
}

#[test]
fn a_server_that_accepts_connections_and_answers_nothing_fails_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    assert_eq!(
        failed(&health(&["--endpoint", &endpoint], &[])),
        format!("{endpoint} did not answer within 5s\n")
    );
}

#[test]
fn a_probe_that_cannot_find_its_server_fails_with_the_reason() {
    for (arguments, reason) in [
        (&["--endpoint", "no address"][..], "no address is not a valid endpoint"),
        (&["--endpoint", "http://127.0.0.1:1", "--ca-file", "/nowhere.pem"], "/nowhere.pem cannot be read"),
        (&["--config", "/nowhere.toml"], "/nowhere.toml"),
    ] {
        let ended = health(arguments, &[]);
        assert!(failed(&ended).contains(reason), "{ended:?}");
    }
}
