//! The commands of `docs/operations.md`, run as they are pasted, with the folders of a test and without the programs
//! that a test does not have.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wallet_client::{ClientConfig, WalletClient, v1};

use super::{is_command, text, yaml};
use crate::harness::{Database, Process, Server, Shell};
use crate::shorthand::credits_of;

pub(super) const DOCUMENT: &str = include_str!("../../../../docs/operations.md");

/// The shell blocks of the document that contain a text.
pub(super) fn blocks(containing: &str) -> Vec<&'static str> {
    let blocks = DOCUMENT.split("\n```sh\n").skip(1).map(|rest| rest.split_once("\n```").expect("its end").0);
    let found: Vec<&str> = blocks.filter(|block| block.contains(containing)).collect();
    assert!(!found.is_empty(), "no block has {containing}");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_database_is_backed_up_and_restored_when_pasted() {
    let shell = Shell::new(&["systemctl"]);
    for folder in ["etc/wallet-server", "var/lib/wallet-server/data", "var/backups"] {
        fs::create_dir_all(shell.path(folder)).unwrap();
    }
    let url = format!("sqlite://{}", shell.path("var/lib/wallet-server/data/wallet.db"));
    let file = shell.path("etc/wallet-server/wallet.toml");
    fs::write(&file, format!("database_url = {url:?}\nlisten = \"127.0.0.1:0\"\n")).unwrap();
    let serve = || Process::configured(&file);
    let create = async |server: &Process, wallet: &str| {
        let client = WalletClient::connect(ClientConfig::new(server.endpoint())).await.unwrap();
        let request = v1::CreateWalletRequest { wallet_id: wallet.to_owned(), ..Default::default() };
        client.create_wallet(request).await.unwrap();
        client
    };
    let mut server = serve();
    create(&server, "before").await;
    let [backup] = blocks("wallet-server backup")[..] else { panic!("one block") };
    let backed_up = shell.paste(backup, &[]);
    assert!(String::from_utf8_lossy(&backed_up.stdout).contains("digest"), "{backed_up:?}");
    create(&server, "after").await;
    // Without a checkpoint at the end the journal has newer commits than the file.
    server.kill();
    let [restore] = blocks("cp /var/backups/wallet.db")[..] else { panic!("one block") };
    shell.paste(restore, &[]);
    let server = serve();
    let client = create(&server, "later").await;
    let wallets = client.list_wallets(v1::ListWalletsRequest::default()).await.unwrap().wallets;
    let ids: BTreeSet<String> = wallets.into_iter().map(|wallet| wallet.wallet_id).collect();
    assert_eq!(ids, BTreeSet::from(["before".to_owned(), "later".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_database_is_dumped_restored_and_proved_when_pasted() {
    let server = Server::start(Database::postgres()).await;
    let client = server.wallet("w", 100).await;
    let url = server.database.url.clone();
    let shell = Shell::new(&[]);
    let blocks = blocks("\"$restored\"");
    assert_eq!(blocks.len(), 2);
    // The name of the database is not the last part of the URL.
    let with_parameters = format!("{url}?sslmode=disable&sslrootcert=/etc/ssl/authority.pem");
    shell.paste(&blocks.join("\n"), &[("WALLET_DATABASE_URL", &with_parameters)]);
    assert_eq!(credits_of(&client, "w").await.0, 100);
    let restored = format!("{}/wallet_restored", url.rsplit_once('/').unwrap().0);
    let before = server.verify().await;
    let after = wallet_server::verify(&restored).await.unwrap();
    assert_eq!((after.is_clean(), after.digest), (true, before.digest));
}

#[test]
fn the_secrets_of_compose_are_made_when_pasted() {
    let shell = Shell::new(&["docker"]);
    fs::create_dir(shell.path("ops")).unwrap();
    let [block] = blocks("docker compose")[..] else { panic!("one block") };
    shell.paste(block, &[]);
    let read =
        |name: &str| fs::read_to_string(shell.path(&format!("ops/{name}"))).expect(name).trim().to_owned();
    let compose = &yaml("ops/compose.yml")[0];
    for secret in compose["secrets"].as_object().unwrap().values() {
        assert!(!read(secret["file"].as_str().unwrap()).is_empty(), "{secret}");
    }
    let postgres = &compose["services"]["postgres"]["environment"];
    let (user, database) =
        (postgres["POSTGRES_USER"].as_str().unwrap(), postgres["POSTGRES_DB"].as_str().unwrap());
    let url = format!("postgres://{user}:{}@postgres/{database}", read("secrets/database-password"));
    assert_eq!(read("secrets/database-url"), url);
    assert_eq!(read("secrets/key-pepper").len(), 64);
    for line in block.lines().filter(|line| line.starts_with("docker ")) {
        assert!(line.contains(" --file ops/compose.yml "), "{line}");
    }
}

#[test]
fn the_commands_for_kubernetes_make_the_secrets_that_the_pods_mount() {
    let [block] = blocks("kubectl create namespace")[..] else { panic!("one block") };
    let volumes = &yaml("ops/kubernetes/base/deployment.yaml")[0]["spec"]["template"]["spec"]["volumes"];
    let secrets =
        volumes.as_array().unwrap().iter().filter_map(|volume| volume["secret"]["secretName"].as_str());
    for secret in secrets {
        assert!(block.contains(&format!(" {secret} ")), "no command makes {secret}");
    }
    let settings = text("ops/kubernetes/base/wallet.toml");
    let files = block.split_whitespace().filter_map(|word| word.strip_prefix("--from-file="));
    let files: Vec<&str> = files.collect();
    assert_eq!(files, ["database-url", "key-pepper"]);
    for file in files {
        assert!(settings.contains(&format!("/run/secrets/wallet/{file}\"")), "{file}");
    }
    let namespace = &yaml("ops/kubernetes/base/namespace.yaml")[0]["metadata"]["name"];
    assert!(block.lines().next().unwrap().ends_with(namespace.as_str().unwrap()));
    let root = crate::style::root();
    for word in DOCUMENT.split(|c: char| c.is_whitespace() || "`()".contains(c)) {
        if word.starts_with("ops/kubernetes/") {
            assert!(Path::new(&root).join(word).exists(), "{word}");
        }
    }
}

#[test]
fn every_command_of_the_document_exists() {
    let mut commands = BTreeSet::new();
    for line in blocks("wallet-server").into_iter().flat_map(str::lines) {
        let words = line.split_whitespace().skip_while(|word| *word != "wallet-server").nth(1);
        commands.extend(words.filter(|word| word.chars().all(|c| c.is_ascii_lowercase())));
    }
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        is_command(&[command]);
    }
}

#[test]
fn the_document_lists_exactly_the_checks_of_doctor() {
    let rows = DOCUMENT.lines().skip_while(|line| !line.starts_with("| Check ")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2));
    let documented: BTreeSet<String> = names.map(str::to_owned).collect();
    let sources = crate::style::files(&crate::style::root().join("wallet-server/src/doctor"), ".rs");
    let mut checks = BTreeSet::new();
    for source in sources {
        let source = fs::read_to_string(source).unwrap();
        for line in source.lines() {
            let named = line.trim().strip_prefix("const CHECK: &str = \"");
            let given = ["Finding::ok(\"", "Finding::warning(\"", "Finding::error(\""];
            let given = given.iter().find_map(|call| line.split_once(call).map(|(_, rest)| rest));
            checks.extend(named.or(given).and_then(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
    assert_eq!(documented, checks);
}
