//! UpdateTenant: a suspended tenant is refused until it is resumed.

use wallet_client::v1::{self, ErrorReason, TenantStatus};
use wallet_client::{Code, WalletClient};

use crate::harness::{Database, Front, eventually, with_key};
use crate::shorthand::{refused, violations};

async fn until_served(client: &WalletClient, served: bool) {
    eventually("a change of the tenant is observed", async || {
        let answer = client.list_plans(v1::ListPlansRequest::default()).await;
        if answer.is_ok() != served {
            return Err(answer);
        }
        if !served {
            refused(answer, ErrorReason::TenantSuspended, Code::PermissionDenied);
        }
        Ok(())
    })
    .await;
}

async fn given(database: Database) {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "studio"]);
    let (operator, key) = (front.key("default", "tenants"), front.key("studio", "all"));
    let server = front.serve().await;
    let (client, studio) = (with_key(&server, &operator).await, with_key(&server, &key).await);
    until_served(&studio, true).await;

    let suspended = client.update_tenant(v1::UpdateTenantRequest::suspend("studio")).await.unwrap();
    let (tenant, unchanged) = (suspended.tenant.unwrap(), suspended.unchanged);
    assert_eq!((tenant.status(), unchanged), (TenantStatus::Suspended, false));
    let again = client.update_tenant(v1::UpdateTenantRequest::suspend("studio")).await.unwrap();
    assert_eq!((again.tenant, again.unchanged), (Some(tenant), true));
    until_served(&studio, false).await;
    client.update_tenant(v1::UpdateTenantRequest::resume("studio")).await.unwrap();
    until_served(&studio, true).await;
    let audit = studio.list_audit_events(v1::ListAuditEventsRequest::new()).await.unwrap().events;
    let actions: Vec<_> = audit.iter().map(|event| event.action.as_str()).take(2).collect();
    assert_eq!(actions, ["tenant.resume", "tenant.suspend"]);

    let missing = client.update_tenant(v1::UpdateTenantRequest::suspend("missing")).await;
    refused(missing, ErrorReason::TenantNotFound, Code::NotFound);
    let own = violations(client.update_tenant(v1::UpdateTenantRequest::suspend("default")).await);
    assert!(own[0].starts_with("name: is the caller's own tenant"), "{own:?}");
    for name in ["studio", "missing"] {
        let other = studio.update_tenant(v1::UpdateTenantRequest::suspend(name)).await;
        refused(other, ErrorReason::ScopeMissing, Code::PermissionDenied);
    }
    assert!(server.verify().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_tenant_is_refused_until_it_is_resumed_on_sqlite() {
    given(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_tenant_is_refused_until_it_is_resumed_on_postgres() {
    given(Database::postgres()).await;
}
