//! The work that waits in the database: overdue holds, wallets in which something is due by a clock that was moved,
//! frozen wallets, the feed, webhooks and NATS.

use std::time::Duration;

use wallet_core::{TenantId, Timestamp};

use crate::clock::Clock;
use crate::doctor::Finding;
use crate::store::{EndpointRow, Store, StoreError};
use crate::webhooks::EndpointState;

/// The time after which due holds and new items of the feed should have been processed. A server takes about a second.
const LATE: Duration = Duration::from_secs(60);

/// The time for which an endpoint may fail before an operator should know.
const FAILING: Duration = Duration::from_secs(3_600);

/// The number of wallets and endpoints that a finding names.
const NAMED: usize = 3;

/// The wallets that one query looks at.
const PAGE: u32 = 2_000;

pub(super) async fn holds(store: &Store) -> Result<Finding, StoreError> {
    const CHECK: &str = "holds";
    let overdue = store.holds_before(now(store).await?.minus(LATE)).await?;
    Ok(overdue.map_or_else(
        || Finding::ok(CHECK, "none is overdue"),
        |overdue| {
            let text = format!("overdue: {}, the oldest since {}", overdue.count, overdue.oldest);
            let next =
                "start a server, or look for failed sweeps in its log: sweeps return the credits of expired holds";
            Finding::warning(CHECK, text, next)
        },
    ))
}

/// Examines the wallets of test tenants whose clocks are ahead. Their rows show times that have not come by the
/// server's clock, so [`holds`] does not find them.
pub(super) async fn moved_clocks(store: &Store) -> Result<Finding, StoreError> {
    const CHECK: &str = "clocks";
    let (limit, mut after) = (now(store).await?.minus(LATE), None);
    let (mut count, mut first) = (0_u64, Vec::new());
    loop {
        let page = store.due_wallets_ahead(None, limit, after, PAGE).await?;
        count += page.wallets.len() as u64;
        first.extend(page.wallets.into_iter().take(NAMED - first.len()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if count == 0 {
        return Ok(Finding::ok(CHECK, "nothing is overdue by the clocks of test tenants"));
    }
    let mut names = Vec::new();
    for due in &first {
        names.push(format!("{} of tenant {}", due.wallet, tenant_name(store, due.tenant).await?));
    }
    let text = format!(
        "wallets in which something is overdue by the clock of their tenant: {count}, namely {}",
        some(&names, count)
    );
    let next =
        "start a server, or look for failed sweeps in its log; AdvanceClock also processes what is due";
    Ok(Finding::warning(CHECK, text, next))
}

pub(super) async fn frozen(store: &Store) -> Result<Finding, StoreError> {
    const CHECK: &str = "wallets";
    let (count, ids) = store.frozen(NAMED).await?;
    if count == 0 {
        return Ok(Finding::ok(CHECK, "none is frozen"));
    }
    let text = format!("frozen: {count}, with the ids {}", some(&ids, count));
    Ok(Finding::warning(
        CHECK,
        text,
        "`wallet-server verify --wallet ID` shows the fault, `unfreeze` ends it",
    ))
}

pub(super) async fn feed(store: &Store) -> Result<Finding, StoreError> {
    const CHECK: &str = "feed";
    let limit = now(store).await?.minus(LATE);
    Ok(match store.outbox_waiting().await? {
        Some(waiting) if waiting.oldest < limit => {
            let text =
                format!("batches without positions: {}, the oldest since {}", waiting.count, waiting.oldest);
            let next = "start a server, or look for failures of the feed in its log: readers see nothing new";
            Finding::warning(CHECK, text, next)
        }
        _ => Finding::ok(CHECK, "all items have positions"),
    })
}

pub(super) async fn nats(store: &Store) -> Result<Finding, StoreError> {
    const CHECK: &str = "nats";
    let limit = now(store).await?.minus(LATE);
    Ok(match store.nats_lag().await? {
        Some((count, oldest)) if oldest < limit => {
            let text = format!("items that are not published: {count}, the oldest since {oldest}");
            let next = "look for failures of NATS in the log of the servers: consumers see nothing new";
            Finding::warning(CHECK, text, next)
        }
        _ => Finding::ok(CHECK, "all items are published"),
    })
}

pub(super) async fn webhooks(store: &Store) -> Result<Finding, StoreError> {
    const CHECK: &str = "webhooks";
    let (mut disabled, mut failing) = (Vec::new(), Vec::new());
    let limit = now(store).await?.minus(FAILING);
    for state in EndpointState::ALL {
        for endpoint in store.webhook_endpoints_in(state.number()).await? {
            let why = match state {
                EndpointState::Enabled if failing_since(&endpoint) < limit => {
                    failing.push(named(store, &endpoint, "fails").await?);
                    continue;
                }
                EndpointState::Enabled => continue,
                EndpointState::Disabled => "by an operator",
                EndpointState::Gone => "it answered 410 Gone",
                EndpointState::Failing => "it failed for days",
            };
            disabled.push(named(store, &endpoint, why).await?);
        }
    }
    Ok(if !disabled.is_empty() {
        let text = format!(
            "disabled endpoints: {}, namely {}",
            disabled.len(),
            some(&disabled, disabled.len() as u64)
        );
        Finding::warning(
            CHECK,
            text,
            "`wallet-server webhooks enable ID`, or `delete ID` if it is no longer used",
        )
    } else if !failing.is_empty() {
        let text = format!(
            "endpoints that have failed for an hour: {}, namely {}",
            failing.len(),
            some(&failing, failing.len() as u64)
        );
        Finding::warning(CHECK, text, "`wallet-server webhooks deliveries ID` shows the failures")
    } else {
        Finding::ok(CHECK, "all endpoints are enabled")
    })
}

fn failing_since(endpoint: &EndpointRow) -> Timestamp {
    Timestamp::from_micros(endpoint.failing_since)
}

/// Returns the name of an endpoint with that of its tenant and a reason.
async fn named(store: &Store, endpoint: &EndpointRow, why: &str) -> Result<String, StoreError> {
    let tenant = tenant_name(store, TenantId(endpoint.tenant)).await?;
    Ok(format!("{} of tenant {tenant} ({why})", endpoint.endpoint_id))
}

async fn tenant_name(store: &Store, tenant: TenantId) -> Result<String, StoreError> {
    Ok(store.tenant(tenant).await?.map_or_else(|| tenant.0.to_string(), |tenant| tenant.name))
}

/// Joins the first names, and shows that there are more.
fn some(names: &[String], count: u64) -> String {
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if count > NAMED as u64 { first + ", ..." } else { first }
}

/// Returns the time by which servers decide: that of the database, or of this machine for SQLite.
async fn now(store: &Store) -> Result<Timestamp, StoreError> {
    let theirs = store.database_time().await?;
    Ok(theirs.map_or_else(|| Clock::system().now(), |(theirs, _)| theirs))
}
