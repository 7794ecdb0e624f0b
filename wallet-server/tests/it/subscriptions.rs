//! Plans, subscriptions and requests about them, for the tests of subscriptions.

use prost_types::Timestamp;
use wallet_client::WalletClient;
use wallet_client::v1::{self, subscription::Pending};

use crate::harness::{Server, eventually};
use crate::shorthand::{balance, later, publish};

/// A catalog of weekly plans, whose periods can be made to end three seconds from now on any day of the year.
pub(crate) const PLANS: &str = include_str!("plans.toml");

/// A week in seconds.
pub(crate) const WEEK: i64 = 7 * 86_400;

/// A client and a new, empty wallet `w` on a server that sells [`PLANS`].
pub(crate) async fn shop(server: &Server) -> WalletClient {
    let client = server.client().await;
    publish(&client, PLANS).await;
    client
        .create_wallet(v1::CreateWalletRequest { wallet_id: "w".into(), ..Default::default() })
        .await
        .unwrap();
    client
}

/// Subscribes the wallet `w` to a plan.
pub(crate) fn subscribe(request: &str, plan: &str) -> v1::SubscribeRequest {
    v1::SubscribeRequest {
        wallet_id: "w".into(),
        request_id: request.into(),
        plan_id: plan.into(),
        ..Default::default()
    }
}

/// Changes the plan of the wallet `w`.
pub(crate) fn change(request: &str, plan: &str) -> v1::ChangePlanRequest {
    v1::ChangePlanRequest {
        wallet_id: "w".into(),
        request_id: request.into(),
        plan_id: plan.into(),
        ..Default::default()
    }
}

/// Cancels the subscription of the wallet `w`.
pub(crate) fn end(request: &str, when: v1::CancelTime) -> v1::CancelSubscriptionRequest {
    v1::CancelSubscriptionRequest {
        wallet_id: "w".into(),
        request_id: request.into(),
        when: when.into(),
        ..Default::default()
    }
}

/// Pauses the subscription of the wallet `w` at the end of what is paid.
pub(crate) fn pause(request: &str) -> v1::PauseSubscriptionRequest {
    v1::PauseSubscriptionRequest::new("w", request)
}

/// Resumes the subscription of the wallet `w`.
pub(crate) fn resume(request: &str) -> v1::ResumeSubscriptionRequest {
    v1::ResumeSubscriptionRequest { wallet_id: "w".into(), request_id: request.into() }
}

/// Records a payment for the next period.
pub(crate) fn payment(request: &str) -> v1::RecordPaymentRequest {
    v1::RecordPaymentRequest { wallet_id: "w".into(), request_id: request.into(), ..Default::default() }
}

/// An operation with this number of images.
pub(crate) fn images(count: &str) -> v1::Operation {
    v1::Operation::new("image.generate").quantity("count", count)
}

/// The server's time.
pub(crate) async fn now(client: &WalletClient) -> Option<Timestamp> {
    balance(client, "w").await.read_time
}

/// Sells a weekly plan whose period ends three seconds from now. Returns that instant.
pub(crate) async fn about_to_end(client: &WalletClient, plan: &str) -> Option<Timestamp> {
    let end = later(now(client).await, 3);
    let anchor_time = later(end, -WEEK);
    let sold =
        client.subscribe(v1::SubscribeRequest { anchor_time, ..subscribe("sold", plan) }).await.unwrap();
    assert_eq!(subscription_of(sold.wallet).period_end_time, end);
    end
}

/// The wallet `w`.
pub(crate) async fn wallet(client: &WalletClient) -> v1::Wallet {
    let request = v1::GetWalletRequest { wallet_id: "w".into() };
    client.get_wallet(request).await.unwrap().wallet.unwrap()
}

/// The subscription of the wallet `w`.
pub(crate) async fn subscription(client: &WalletClient) -> v1::Subscription {
    subscription_of(Some(wallet(client).await))
}

/// The subscription of a wallet in an answer.
pub(crate) fn subscription_of(wallet: Option<v1::Wallet>) -> v1::Subscription {
    wallet.and_then(|wallet| wallet.subscription).expect("a subscription")
}

/// The pending change (`"end"`, a plan's id such as `"pro"`, or `""`) and its time.
pub(crate) fn pending(subscription: &v1::Subscription) -> (&str, Option<Timestamp>) {
    match &subscription.pending {
        None => ("", None),
        Some(Pending::End(end)) => ("end", end.effective_time),
        Some(Pending::Change(change)) => (&change.plan_id, change.effective_time),
    }
}

/// All grants of the wallet `w`, sorted, each formatted by [`parts`].
pub(crate) async fn grants(client: &WalletClient) -> Vec<String> {
    let mut shown: Vec<String> = listed(client).await.iter().map(parts).collect();
    shown.sort();
    shown
}

pub(crate) async fn listed(client: &WalletClient) -> Vec<v1::Grant> {
    let request = v1::ListGrantsRequest { wallet_id: "w".into(), include_closed: true, ..Default::default() };
    client.list_grants(request).await.unwrap().grants
}

/// A grant's id, amount and parts, for example "top_up:a: 5 credits, 5 available, 0 held, 0 consumed, 0 expired".
pub(crate) fn parts(grant: &v1::Grant) -> String {
    let amount = grant.amount.as_ref().unwrap();
    let (all, unit) = (amount.amount, &amount.unit);
    let v1::Grant { grant_id, available, held, consumed, expired, .. } = grant;
    format!(
        "{grant_id}: {all} {unit}, {available} available, {held} held, {consumed} consumed, {expired} expired"
    )
}

/// Kind and effective time of the entries after this revision, once there are at least `how_many`. Due events are
/// recorded by the next sweep, so this waits for it.
pub(crate) async fn entries_after(
    client: &WalletClient,
    after_revision: i64,
    how_many: usize,
) -> Vec<(v1::EntryKind, Option<Timestamp>)> {
    let entries = eventually("a sweep records due events", async || {
        let request = v1::ListEntriesRequest { wallet_id: "w".into(), after_revision, ..Default::default() };
        let entries = client.list_entries(request).await.unwrap().entries;
        if entries.len() >= how_many { Ok(entries) } else { Err(entries) }
    });
    entries.await.iter().map(|entry| (entry.kind(), entry.effective_time)).collect()
}
