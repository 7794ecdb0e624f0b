//! `wallet-server keys` and `wallet-server tenants`: the way to the first key, its replacement and its end.

use wallet_client::v1::{self, ErrorReason};
use wallet_client::{Code, WalletClient};

use crate::cli::run;
use crate::harness::{Database, Front, Process, id_of, with_key};
use crate::shorthand::refused;

async fn wallets(client: &WalletClient) -> Result<v1::ListWalletsResponse, wallet_client::Error> {
    client.list_wallets(v1::ListWalletsRequest::default()).await
}

async fn a_key_is_listed_replaced_and_revoked(database: Database) {
    let front = Front::new(database);
    let [old, kept, gone] = ["worker", "billing", "read"].map(|scopes| front.key("default", scopes));
    let rotate = ["keys", "rotate", id_of(&old), "--overlap-hours", "0"];
    let output = front.cli(&rotate);
    let new = output.lines().last().unwrap().to_owned();
    let output = front.cli(&["keys", "revoke", id_of(&gone)]);
    assert!(output.contains("is revoked"), "{output}");
    let output = front.cli(&["keys", "revoke", id_of(&gone)]);
    assert!(output.contains("was revoked before"), "{output}");

    let listed = front.cli(&["keys", "list"]);
    for (key, state, scopes) in [
        (&old, "ended", "estimate reserve settle read"),
        (&new, "valid", "estimate reserve settle read"),
        (&kept, "valid", "topup read admin events"),
        (&gone, "ended", "read"),
    ] {
        let line = listed.lines().find(|line| line.starts_with(id_of(key))).expect("it is listed");
        assert!(line.contains(state) && line.contains(scopes), "{line}");
        assert!(!listed.contains(key.split('_').nth(3).unwrap()), "a secret is listed");
    }

    let server = front.serve().await;
    for (key, valid) in [(&old, false), (&new, true), (&kept, true), (&gone, false)] {
        let answer = wallets(&with_key(&server, key).await).await;
        match valid {
            true => drop(answer.unwrap()),
            false => drop(refused(answer, ErrorReason::KeyInvalid, Code::Unauthenticated)),
        }
    }
}

async fn a_suspended_tenant_is_refused_until_it_is_resumed(database: Database) {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "studio", "--catalog", "catalogs/flikly.toml"]);
    let key = front.key("studio", "all");
    let token = ["keys", "token", "ann", "--key-id", id_of(&key), "--scopes", "read", "--tenant", "studio"];
    let token = front.cli(&token).lines().last().unwrap().to_owned();
    let balance = async |page: WalletClient| page.get_balance(v1::GetBalanceRequest::new("ann")).await;
    front.cli(&["tenants", "suspend", "studio"]);
    let listed = front.cli(&["tenants", "list"]);
    let line = |name: &str| listed.lines().find(|line| line.ends_with(name)).unwrap().to_owned();
    assert!(line("studio").contains("live  suspended"), "{listed}");
    assert!(line("studio").contains("  created 20"), "{listed}");
    assert!(line("default").contains("live  active  created with the database  "), "{listed}");
    let server = front.serve().await;
    let answer = wallets(&with_key(&server, &key).await).await;
    refused(answer, ErrorReason::TenantSuspended, Code::PermissionDenied);
    let answer = balance(with_key(&server, &token).await).await;
    refused(answer, ErrorReason::TenantSuspended, Code::PermissionDenied);
    server.stop().await;

    front.cli(&["tenants", "resume", "studio"]);
    let server = front.serve().await;
    let client = with_key(&server, &key).await;
    wallets(&client).await.unwrap();
    client.create_wallet(v1::CreateWalletRequest::new("ann")).await.unwrap();
    balance(with_key(&server, &token).await).await.unwrap();
    let plans = client.list_plans(v1::ListPlansRequest::default()).await.unwrap().plans;
    assert!(plans.iter().any(|plan| plan.plan_id == "creator"), "{plans:?}");
    let report = server.verify().await;
    assert!(report.is_clean(), "{report}");
}

#[test]
fn mistakes_on_the_command_line_are_refused_with_the_next_step() {
    let front = Front::new(Database::sqlite());
    let pepper = front.pepper_file();
    let refused = |words: &[&str], pepper: &str, expected: &str| {
        let database = ["--database-url", &front.database.url];
        let ended = run(&[words, &database].concat(), &[("WALLET_KEY_PEPPER_FILE", pepper)]);
        assert!(ended.code == Some(2) && ended.stderr.contains(expected), "{words:?}: {ended:?}");
    };
    let short = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(short.path(), "short\n").unwrap();
    let create = ["keys", "create", "k", "--scopes", "read"];
    refused(&create, short.path().to_str().unwrap(), "openssl rand -hex 32");
    refused(&create, "/nowhere", "the pepper of the API keys cannot be read: /nowhere");
    refused(
        &["keys", "create", "k", "--scopes", "write"],
        &pepper,
        "\"write\" is not a scope; the scopes are estimate",
    );
    refused(&[&create[..], &["--tenant", "studio"]].concat(), &pepper, "there is no tenant studio");
    refused(
        &["keys", "revoke", "0123456789"],
        &pepper,
        "there is no key 0123456789 of tenant default; --tenant",
    );
    let replaced = front.key("default", "read");
    let rotate = ["keys", "rotate", id_of(&replaced)];
    let successor = front.cli(&rotate).lines().last().unwrap().to_owned();
    let (old, new) = (id_of(&replaced), id_of(&successor));
    let again = format!("key {old} was replaced by key {new}; rotate that one");
    refused(&rotate, &pepper, &again);
    let keys = front.cli(&["keys", "list"]);
    assert_eq!(keys.lines().filter(|line| line.contains(" valid ")).count(), 2, "{keys}");
    let key = front.key("default", "read,topup");
    let token = ["keys", "token", "ann", "--key-id", id_of(&key), "--scopes"];
    for scope in ["topup", "events"] {
        let expected = format!(
            "a token of this key cannot have the scope {scope}; of estimate, read and events, its key has: read"
        );
        refused(&[&token[..], &[scope]].concat(), &pepper, &expected);
    }
    let foreign = ["keys", "token", "ann", "--key-id", "0123456789", "--scopes", "read"];
    refused(&foreign, &pepper, "there is no key 0123456789");
    refused(&["keys", "revoke", "nonsense"], &pepper, "is not the id of a key");
    refused(&["tenants", "create", "default"], &pepper, "there is a tenant default already");
    refused(&["tenants", "create", "a b"], &pepper, "cannot name a tenant");
    refused(&["serve", "--listen", "0.0.0.0:0"], &pepper, "add --tls-cert and --tls-key, or --insecure");
}

/// How a pepper is replaced without a pause.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_with_two_peppers_share_a_database_while_callers_change_their_keys() {
    let old = Front::new(Database::postgres());
    let new = Front::new(old.database.clone());
    std::fs::write(new.pepper_file(), "n".repeat(64)).unwrap();
    let (old_key, new_key) = (old.key("default", "read"), new.key("default", "read"));
    let (old_server, new_server) = (old.serve().await, new.serve().await);
    for (server, valid, invalid) in [(old_server, &old_key, &new_key), (new_server, &new_key, &old_key)] {
        wallets(&with_key(&server, valid).await).await.unwrap();
        let answer = wallets(&with_key(&server, invalid).await).await;
        refused(answer, ErrorReason::KeyInvalid, Code::Unauthenticated);
    }
}

#[test]
fn a_command_without_a_key_names_the_option_that_takes_one() {
    let front = Front::new(Database::sqlite());
    let server = Process::start(&front.database, &["--key-pepper-file", &front.pepper_file()]);
    let refused = run(&["catalog", "show", "--endpoint", &server.endpoint()], &[]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let next = "name a file that has one with --api-key-file or WALLET_API_KEY_FILE";
    assert!(refused.stderr.contains(next) && !refused.stderr.contains("metadata"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_listed_replaced_and_revoked_on_sqlite() {
    a_key_is_listed_replaced_and_revoked(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_listed_replaced_and_revoked_on_postgres() {
    a_key_is_listed_replaced_and_revoked(Database::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_tenant_is_refused_until_it_is_resumed_on_sqlite() {
    a_suspended_tenant_is_refused_until_it_is_resumed(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_tenant_is_refused_until_it_is_resumed_on_postgres() {
    a_suspended_tenant_is_refused_until_it_is_resumed(Database::postgres()).await;
}
