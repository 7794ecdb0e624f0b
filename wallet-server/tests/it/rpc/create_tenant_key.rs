//! CreateTenantKey: the first key of a tenant, from the operator.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, Scope};

use crate::harness::{Database, Front, with_key};
use crate::shorthand::{refused, violations};

fn ask(tenant: &str, scopes: &[Scope]) -> v1::CreateTenantKeyRequest {
    v1::CreateTenantKeyRequest::new(tenant, "first key", scopes.iter().copied())
}

async fn given(database: Database) {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "sandbox", "--test"]);
    let (operator, other) = (front.key("default", "tenants"), front.key("sandbox", "all"));
    let server = front.serve().await;
    let client = with_key(&server, &operator).await;

    let made = client.create_tenant_key(ask("sandbox", &[Scope::Admin, Scope::Keys])).await.unwrap();
    assert!(made.secret.starts_with("cw_test_"));
    let theirs = with_key(&server, &made.secret).await;
    theirs.create_wallet(v1::CreateWalletRequest::new("w")).await.unwrap();
    let listed = theirs.list_keys(v1::ListKeysRequest::new()).await.unwrap().keys;
    assert!(listed.contains(&made.key.unwrap()), "{listed:?}");

    let missing = client.create_tenant_key(ask("missing", &[Scope::Admin])).await;
    refused(missing, ErrorReason::TenantNotFound, Code::NotFound);
    let own = violations(client.create_tenant_key(ask("default", &[Scope::Admin])).await);
    assert_eq!(own, ["tenant: is the caller's own tenant; use CreateKey"]);
    let beyond = violations(client.create_tenant_key(ask("sandbox", &[Scope::Tenants])).await);
    assert_eq!(beyond, ["scopes: has tenants, which only keys of the tenant default can have"]);
    let other = with_key(&server, &other).await;
    for tenant in ["sandbox", "default", "missing"] {
        let refusal = other.create_tenant_key(ask(tenant, &[Scope::Read])).await;
        refused(refusal, ErrorReason::ScopeMissing, Code::PermissionDenied);
    }
    let refusal = other.create_key(v1::CreateKeyRequest::new("k", [Scope::Tenants])).await;
    refused(refusal, ErrorReason::ScopeMissing, Code::PermissionDenied);
    assert!(server.verify().await.is_clean());
}

#[test]
fn the_command_line_gives_the_scope_of_tenants_to_no_other_tenant() {
    let front = Front::new(Database::sqlite());
    front.cli(&["tenants", "create", "studio"]);
    let database = ["--database-url", &front.database.url, "--key-pepper-file", &front.pepper_file()];
    let create = ["keys", "create", "k", "--scopes", "all,tenants", "--tenant", "studio"];
    let ended = crate::cli::run(&[&create[..], &database].concat(), &[]);
    assert_ne!(ended.code, Some(0));
    assert!(
        ended.stderr.contains("only a key of the tenant default can have the scope tenants"),
        "{ended:?}"
    );
}

each_database! {
    async fn a_server_without_a_pepper_creates_no_keys_of_tenants(server: Server) {
        let client = server.client().await;
        client.create_tenant(v1::CreateTenantRequest::new("studio", v1::TenantMode::Live)).await.unwrap();
        let none = client.create_tenant_key(ask("studio", &[Scope::Read])).await;
        refused(none, ErrorReason::KeysOff, Code::FailedPrecondition);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_creates_the_first_key_of_a_tenant_on_sqlite() {
    given(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_creates_the_first_key_of_a_tenant_on_postgres() {
    given(Database::postgres()).await;
}
