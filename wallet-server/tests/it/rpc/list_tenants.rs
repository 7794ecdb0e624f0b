//! ListTenants: all tenants by name, in pages.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, TenantMode, TenantStatus};

use crate::harness::{Database, Front, with_key};
use crate::shorthand::refused;

async fn given(database: Database) {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "studio"]);
    front.cli(&["tenants", "create", "sandbox", "--test"]);
    front.cli(&["tenants", "suspend", "studio"]);
    let (operator, other) = (front.key("default", "tenants"), front.key("sandbox", "all"));
    let server = front.serve().await;
    let client = with_key(&server, &operator).await;
    let first = client.list_tenants(v1::ListTenantsRequest::new().with_page_size(2)).await.unwrap();
    let rest = v1::ListTenantsRequest::new().with_page_token(&first.next_page_token);
    let rest = client.list_tenants(rest).await.unwrap();
    assert_eq!((first.tenants.len(), rest.next_page_token.as_str()), (2, ""));
    let tenants = first.tenants.iter().chain(&rest.tenants);
    let shown: Vec<_> =
        tenants.map(|tenant| (tenant.name.as_str(), tenant.mode(), tenant.status())).collect();
    assert_eq!(
        shown,
        [
            ("default", TenantMode::Live, TenantStatus::Active),
            ("sandbox", TenantMode::Test, TenantStatus::Active),
            ("studio", TenantMode::Live, TenantStatus::Suspended),
        ]
    );
    let times = first.tenants.iter().chain(&rest.tenants).map(|tenant| tenant.create_time.is_some());
    assert_eq!(times.collect::<Vec<_>>(), [false, true, true], "every database has the tenant default");
    let other = with_key(&server, &other).await.list_tenants(v1::ListTenantsRequest::new()).await;
    refused(other, ErrorReason::ScopeMissing, Code::PermissionDenied);
}

/// The clock of a test tenant is shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_ahead_is_listed() {
    let front = Front::new(Database::sqlite());
    front.cli(&["tenants", "create", "sandbox", "--test"]);
    let (operator, test) = (front.key("default", "tenants"), front.key("sandbox", "admin"));
    let server = front.serve_on_system_time(wallet_server::Config::default()).await;
    let hour = v1::AdvanceClockRequest::by(std::time::Duration::from_secs(3_600));
    with_key(&server, &test).await.advance_clock(hour).await.unwrap();
    let client = with_key(&server, &operator).await;
    let listed = client.list_tenants(v1::ListTenantsRequest::new()).await.unwrap().tenants;
    let ahead: Vec<_> = listed.iter().map(|tenant| tenant.clock_ahead.map(|by| by.seconds)).collect();
    assert_eq!(ahead, [None, Some(3_600)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_lists_all_tenants_in_pages_on_sqlite() {
    given(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_lists_all_tenants_in_pages_on_postgres() {
    given(Database::postgres()).await;
}
