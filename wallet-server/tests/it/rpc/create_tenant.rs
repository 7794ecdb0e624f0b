//! CreateTenant: only the operator creates tenants, and a repeated call returns the same one.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, TenantMode, TenantStatus};

use crate::harness::{Database, Front, id_of, with_key};
use crate::shorthand::{refused, violations};

async fn given(database: Database) {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "other"]);
    let operator = front.key("default", "tenants");
    let ordinary = [front.key("default", "all"), front.key("other", "all")];
    let server = front.serve().await;
    let client = with_key(&server, &operator).await;

    let request = v1::CreateTenantRequest::new("studio", TenantMode::Test);
    let made = client.create_tenant(request.clone()).await.unwrap();
    let tenant = made.tenant.clone().unwrap();
    assert_eq!((tenant.name.as_str(), tenant.mode()), ("studio", TenantMode::Test));
    assert_eq!((tenant.status(), tenant.clock_ahead, made.unchanged), (TenantStatus::Active, None, false));
    let again = client.create_tenant(request).await.unwrap();
    assert_eq!((again.tenant, again.unchanged), (made.tenant, true));
    let live = client.create_tenant(v1::CreateTenantRequest::new("studio", TenantMode::Live)).await;
    refused(live, ErrorReason::TenantExists, Code::AlreadyExists);
    let faults = violations(client.create_tenant(v1::CreateTenantRequest::default()).await);
    assert_eq!(faults, ["name: is required", "mode: is required"]);

    // The keys of other callers get the same answer for an existing tenant and a missing one.
    let mut answers = Vec::new();
    for key in &ordinary {
        let client = with_key(&server, key).await;
        for name in ["studio", "missing"] {
            let refusal = client.create_tenant(v1::CreateTenantRequest::new(name, TenantMode::Live)).await;
            let refusal = refused(refusal, ErrorReason::ScopeMissing, Code::PermissionDenied);
            answers.push((refusal.message.clone(), refusal.metadata.clone()));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0].1["scope"], "tenants");

    let request = v1::CreateTenantKeyRequest::new("studio", "first key", [v1::Scope::Keys]);
    let first = client.create_tenant_key(request).await.unwrap().secret;
    let audit = with_key(&server, &first).await.list_audit_events(v1::ListAuditEventsRequest::new()).await;
    let audit: Vec<_> =
        audit.unwrap().events.into_iter().map(|e| (e.principal, e.action, e.subject)).collect();
    let author = id_of(&operator).to_owned();
    assert_eq!(audit[1], (author, "tenant.create".to_owned(), "studio".to_owned()));
    assert!(server.verify().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_key_of_the_operator_creates_a_tenant_on_sqlite() {
    given(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_key_of_the_operator_creates_a_tenant_on_postgres() {
    given(Database::postgres()).await;
}
