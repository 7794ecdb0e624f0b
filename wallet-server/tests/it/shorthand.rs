//! Short constructors of requests, and functions that extract from answers what tests compare.

use std::collections::BTreeMap;
use std::fmt::Debug;

use prost_types::Timestamp;
use wallet_client::v1::reserve_request::Price;
use wallet_client::v1::settle_request::Outcome;
use wallet_client::v1::{self, ErrorReason};
use wallet_client::{Code, Error, Refusal, WalletClient};

use crate::harness::eventually;

/// A catalog with a kind per overage policy, a failure fee, and a unit with decimals.
pub(crate) const POLICIES: &str = include_str!("policies.toml");

/// A Reserve with an explicit price.
pub(crate) fn explicit(wallet: &str, job: &str, amounts: Vec<v1::Amount>) -> v1::ReserveRequest {
    v1::ReserveRequest {
        wallet_id: wallet.into(),
        reservation_id: job.into(),
        price: Some(Price::Explicit(v1::ExplicitPrice { amounts, ..Default::default() })),
        ..Default::default()
    }
}

pub(crate) fn start(wallet: &str, job: &str, worker: &str, attempt: i32) -> v1::StartRequest {
    v1::StartRequest {
        wallet_id: wallet.into(),
        reservation_id: job.into(),
        start: Some(by(worker, attempt)),
    }
}

/// A worker and its attempt.
pub(crate) fn by(worker: &str, attempt: i32) -> v1::StartOptions {
    v1::StartOptions { worker: worker.into(), attempt, lease: None }
}

/// A Settle of a job that succeeded.
pub(crate) fn settle(wallet: &str, job: &str, succeeded: v1::Succeeded) -> v1::SettleRequest {
    v1::SettleRequest {
        wallet_id: wallet.into(),
        reservation_id: job.into(),
        outcome: Some(Outcome::Succeeded(succeeded)),
        ..Default::default()
    }
}

/// A Settle of a job that failed.
pub(crate) fn fail(wallet: &str, job: &str, code: &str) -> v1::SettleRequest {
    let failure = v1::Failure { code: code.into(), message: "of a test".into() };
    v1::SettleRequest {
        outcome: Some(Outcome::Failed(failure)),
        ..settle(wallet, job, v1::Succeeded::default())
    }
}

pub(crate) fn cancel(wallet: &str, job: &str, reason: v1::CancelReason) -> v1::CancelRequest {
    v1::CancelRequest {
        wallet_id: wallet.into(),
        reservation_id: job.into(),
        reason: reason.into(),
        ..Default::default()
    }
}

/// A Grant with the default source and lifetime.
pub(crate) fn gift(wallet: &str, id: &str, amount: v1::Amount) -> v1::GrantRequest {
    v1::GrantRequest {
        wallet_id: wallet.into(),
        grant_id: id.into(),
        amount: Some(amount),
        ..Default::default()
    }
}

/// A refund of a purchase.
pub(crate) fn refund(wallet: &str, request: &str, top_up: &str) -> v1::RefundTopUpRequest {
    v1::RefundTopUpRequest {
        wallet_id: wallet.into(),
        request_id: request.into(),
        purchase: Some(v1::refund_top_up_request::Purchase::TopUpId(top_up.into())),
        reason: "changed their mind".into(),
        ..Default::default()
    }
}

/// A chargeback of a purchase's payment.
pub(crate) fn charge_back(wallet: &str, request: &str, top_up: &str) -> v1::RecordChargebackRequest {
    v1::RecordChargebackRequest {
        wallet_id: wallet.into(),
        request_id: request.into(),
        payment: Some(v1::record_chargeback_request::Payment::TopUpId(top_up.into())),
        reason: "dispute".into(),
    }
}

/// A refund that the payment provider has made, with its total in cents.
pub(crate) fn paid_back(wallet: &str, request: &str, top_up: &str, cents: i64) -> v1::RecordRefundRequest {
    v1::RecordRefundRequest::top_up(wallet, request, top_up, v1::Money::new("EUR", cents))
        .with_reason("paid back")
}

/// A reversal of all that remains of a job's charge.
pub(crate) fn reverse(wallet: &str, request: &str, job: &str) -> v1::ReverseChargeRequest {
    v1::ReverseChargeRequest {
        wallet_id: wallet.into(),
        request_id: request.into(),
        reservation_id: job.into(),
        reason: "sorry".into(),
        ..Default::default()
    }
}

/// A refund of a yearly subscription.
pub(crate) fn refund_subscription(wallet: &str, request: &str) -> v1::RefundSubscriptionRequest {
    v1::RefundSubscriptionRequest {
        wallet_id: wallet.into(),
        request_id: request.into(),
        reason: "moving".into(),
        ..Default::default()
    }
}

/// An UpdateWallet that sets the status.
pub(crate) fn set_status(wallet: &str, request: &str, status: v1::WalletStatus) -> v1::UpdateWalletRequest {
    v1::UpdateWalletRequest {
        wallet_id: wallet.into(),
        request_id: request.into(),
        status: status.into(),
        ..Default::default()
    }
}

pub(crate) fn seconds(seconds: i64) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos: 0 }
}

/// The instant this many seconds later.
pub(crate) fn later(from: Option<Timestamp>, seconds: i64) -> Option<Timestamp> {
    from.map(|from| Timestamp { seconds: from.seconds + seconds, ..from })
}

/// Formats amounts, for example `"40 credits, 1 trainings"`.
pub(crate) fn figures(amounts: &[v1::Amount]) -> String {
    let words: Vec<String> = amounts.iter().map(|a| format!("{} {}", a.amount, a.unit)).collect();
    words.join(", ")
}

/// Publishes the catalog.
pub(crate) async fn publish(client: &WalletClient, toml: &str) -> v1::PublishCatalogResponse {
    let request = v1::PublishCatalogRequest { toml: toml.into(), ..Default::default() };
    client.publish_catalog(request).await.expect("the document is published")
}

pub(crate) async fn balance(client: &WalletClient, wallet: &str) -> v1::GetBalanceResponse {
    client
        .get_balance(v1::GetBalanceRequest { wallet_id: wallet.into(), ..Default::default() })
        .await
        .expect("the balance")
}

/// The wallet's credits: available, held and owed.
pub(crate) async fn credits_of(client: &WalletClient, wallet: &str) -> (i64, i64, i64) {
    let balances = balance(client, wallet).await.balances;
    let credits = balances.into_iter().find(|balance| balance.unit == "credits").unwrap_or_default();
    let figure = |amount: Option<v1::Amount>| amount.unwrap_or_default().amount;
    (figure(credits.available), figure(credits.held), figure(credits.debt))
}

pub(crate) async fn reservation(client: &WalletClient, wallet: &str, job: &str) -> v1::Reservation {
    let request = v1::GetReservationRequest { wallet_id: wallet.into(), reservation_id: job.into() };
    let answer = client.get_reservation(request).await.expect("the reservation");
    answer.reservation.expect("it is shown")
}

/// The first 50 entries of the wallet.
pub(crate) async fn entries(client: &WalletClient, wallet: &str) -> Vec<v1::Entry> {
    let request = v1::ListEntriesRequest { wallet_id: wallet.into(), ..Default::default() };
    client.list_entries(request).await.expect("the entries").entries
}

/// The kinds of the first 50 entries of the wallet.
pub(crate) async fn kinds(client: &WalletClient, wallet: &str) -> Vec<v1::EntryKind> {
    entries(client, wallet).await.iter().map(v1::Entry::kind).collect()
}

/// Creates a hold of 40 credits in a wallet of 100 and waits until it has expired.
pub(crate) async fn expired_hold(client: &WalletClient, wallet: &str, job: &str) -> v1::Reservation {
    let request = v1::ReserveRequest::new(wallet, job, crate::harness::video("5"));
    let request = v1::ReserveRequest { ttl: Some(seconds(1)), ..request };
    let deadline = client.reserve(request).await.expect("reserved").reservation.expect("shown").deadline;
    until(client, wallet, deadline).await;
    reservation(client, wallet, job).await
}

/// Waits until the server's clock has reached an instant.
pub(crate) async fn until(client: &WalletClient, wallet: &str, instant: Option<Timestamp>) {
    let at = |time: Option<Timestamp>| time.map(|time| (time.seconds, time.nanos)).expect("an instant");
    eventually("the server's clock reaches an instant", async || {
        let now = at(balance(client, wallet).await.read_time);
        if now >= at(instant) { Ok(()) } else { Err((now, instant)) }
    })
    .await;
}

/// Waits until the feed has this many items, and returns its first page.
pub(crate) async fn feed_of(client: &WalletClient, count: i64) -> v1::ListFeedResponse {
    eventually("the feed has all items", async || {
        let page = client.list_feed(v1::ListFeedRequest::new(0).with_page_size(500)).await.expect("a page");
        if page.last_position >= count { Ok(page) } else { Err((page.last_position, count)) }
    })
    .await
}

/// The refusal of a call, which must have this reason and code.
pub(crate) fn refused<A: Debug>(answer: Result<A, Error>, reason: ErrorReason, code: Code) -> Refusal {
    let error = answer.expect_err("it is refused");
    let refusal = error.refusal().unwrap_or_else(|| panic!("not a refusal: {error:?}")).clone();
    assert_eq!((refusal.reason, refusal.code), (reason, code), "{refusal}");
    refusal
}

/// The metadata of a decided refusal without its time, which must be present: `"revision=2 unit=credits"`.
pub(crate) fn facts(refusal: &Refusal) -> String {
    assert!(refusal.decided_at().is_some(), "no decided_at in {:?}", refusal.metadata);
    let metadata: BTreeMap<_, _> =
        refusal.metadata.iter().filter(|(name, _)| *name != "decided_at").collect();
    let metadata: Vec<String> = metadata.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    metadata.join(" ")
}

/// The fields that a mismatch names.
pub(crate) fn mismatch<A: Debug>(answer: Result<A, Error>) -> Vec<String> {
    let refusal = refused(answer, ErrorReason::IdempotencyMismatch, Code::AlreadyExists);
    refusal.fields().to_vec()
}

/// The field violations of a request, each formatted as "path: description".
pub(crate) fn violations<A: Debug>(answer: Result<A, Error>) -> Vec<String> {
    let refusal = refused(answer, ErrorReason::InvalidField, Code::InvalidArgument);
    refusal.violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect()
}

/// The low-balance thresholds of a wallet, which replace those of its plan.
pub(crate) fn low_balance(unit: &str, thresholds: &[v1::threshold::Threshold]) -> v1::LowBalance {
    let thresholds = thresholds.iter().map(|threshold| v1::Threshold { threshold: Some(*threshold) });
    v1::LowBalance { unit: unit.into(), thresholds: thresholds.collect() }
}
