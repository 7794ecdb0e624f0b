//! A platform that sells one of the products: the real server with the product's catalog and a manual clock.

use prost_types::Timestamp;
use wallet_client::v1::advance_clock_request::Step;
use wallet_client::v1::reserve_request::Price;
use wallet_client::v1::top_up_request::What;
use wallet_client::v1::{self, CancelReason, CancelTime, Source};
use wallet_client::{Error, WalletClient};
use wallet_server::{Clock, Config, TimeSource};

use crate::harness::{Database, Server, credits};
use crate::shorthand::{self, balance, cancel, credits_of, entries, fail, gift, seconds, settle};

/// The wallet of the customer in most tests.
pub(crate) const ALICE: &str = "alice";

/// A day in seconds.
pub(crate) const DAY: i64 = 86_400;

/// Declares tests on a platform that sells a product, on SQLite and on PostgreSQL. After each the ledger must be clean:
///
/// `product! { "flarecut"; async fn a_sentence(platform: Platform) { ... } }`
macro_rules! product {
    ($catalog:literal; $($(#[$meta:meta])* async fn $name:ident($platform:ident: Platform) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            const CATALOG: &str =
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/catalogs/", $catalog, ".toml"));

            async fn given($platform: &crate::products::Platform) $body

            async fn on(database: crate::harness::Database) {
                let platform = crate::products::Platform::open(database, CATALOG).await;
                given(&platform).await;
                platform.close().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                on(crate::harness::Database::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                on(crate::harness::Database::postgres()).await;
            }
        }
    )+};
}

/// A server with a manual clock that sells a product to Alice, whose wallet has no subscription and no purchases. The
/// clock starts at 09:00 UTC on 31 January 2026.
pub(crate) struct Platform {
    pub(crate) client: WalletClient,
    server: Server,
}

impl Platform {
    pub(crate) async fn open(database: Database, catalog: &str) -> Self {
        Self::open_at(database, catalog, "2026-01-31T09:00:00Z").await
    }

    /// Opens a platform whose clock starts at this instant.
    pub(crate) async fn open_at(database: Database, catalog: &str, start: &str) -> Self {
        let start = wallet_core::Timestamp::from_micros(at(start).seconds * 1_000_000);
        let time = TimeSource::Given(Clock::manual(start));
        let config = Config { time, catalog: Some(catalog.to_owned()), ..Config::default() };
        let server = Server::start_with(database, config).await;
        let client = server.client().await;
        let alice = v1::CreateWalletRequest { wallet_id: ALICE.into(), ..Default::default() };
        client.create_wallet(alice).await.expect("the wallet is created");
        Self { client, server }
    }

    /// Asserts that the ledger is clean and closes the platform.
    pub(crate) async fn close(self) {
        let report = self.server.verify().await;
        assert!(report.is_clean(), "{report}");
    }

    /// Advances the clock by this many days.
    pub(crate) async fn days(&self, days: i64) {
        self.seconds(days * DAY).await;
    }

    /// Advances the clock by this many seconds.
    pub(crate) async fn seconds(&self, how_many: i64) {
        let request = v1::AdvanceClockRequest { step: Some(Step::By(seconds(how_many))) };
        self.client.advance_clock(request).await.expect("the clock moves");
    }

    /// Advances the clock to this instant, for example "2026-02-28T09:00:00Z".
    pub(crate) async fn until(&self, instant: &str) {
        let request = v1::AdvanceClockRequest { step: Some(Step::ToTime(at(instant))) };
        self.client.advance_clock(request).await.expect("the clock moves");
    }

    /// Subscribes Alice to a plan.
    pub(crate) async fn subscribe(&self, plan: &str) -> v1::Wallet {
        let request = subscribe(plan);
        self.client.subscribe(request).await.expect("it is sold").wallet.expect("shown")
    }

    /// Changes Alice's plan.
    pub(crate) async fn change_plan(&self, plan: &str) -> v1::ChangePlanResponse {
        let request = v1::ChangePlanRequest {
            wallet_id: ALICE.into(),
            request_id: format!("change-to-{plan}"),
            plan_id: plan.into(),
            ..Default::default()
        };
        self.client.change_plan(request).await.expect("it is changed")
    }

    /// Subscribes Alice to a plan or changes her plan, unless she already has it.
    pub(crate) async fn on(&self, plan: &str) {
        let wallet = self.wallet().await;
        match wallet.subscription {
            _ if wallet.plan_id == plan => {}
            None => drop(self.subscribe(plan).await),
            Some(_) => drop(self.change_plan(plan).await),
        }
    }

    /// Cancels Alice's subscription.
    pub(crate) async fn unsubscribe(&self, when: CancelTime) -> v1::Wallet {
        let request = v1::CancelSubscriptionRequest {
            wallet_id: ALICE.into(),
            request_id: "unsubscribe".into(),
            when: when.into(),
            ..Default::default()
        };
        self.client.cancel_subscription(request).await.expect("it is cancelled").wallet.expect("shown")
    }

    /// Reads Alice's wallet.
    pub(crate) async fn wallet(&self) -> v1::Wallet {
        let request = v1::GetWalletRequest { wallet_id: ALICE.into() };
        self.client.get_wallet(request).await.expect("the wallet").wallet.expect("shown")
    }

    /// Buys a pack for Alice.
    pub(crate) async fn buy(&self, pack: &str) -> Result<v1::TopUpResponse, Error> {
        let request = v1::TopUpRequest {
            wallet_id: ALICE.into(),
            top_up_id: format!("purchase-of-{pack}"),
            what: Some(What::PackId(pack.into())),
            ..Default::default()
        };
        self.client.top_up(request).await
    }

    /// Requests the refund of Alice's pack.
    pub(crate) async fn refund(&self, pack: &str) -> Result<v1::RefundTopUpResponse, Error> {
        let request = v1::RefundTopUpRequest {
            wallet_id: ALICE.into(),
            request_id: format!("refund-of-{pack}"),
            purchase: Some(v1::refund_top_up_request::Purchase::TopUpId(format!("purchase-of-{pack}"))),
            ..Default::default()
        };
        self.client.refund_top_up(request).await
    }

    /// Requests the refund of Alice's plan.
    pub(crate) async fn refund_plan(&self, id: &str) -> Result<v1::RefundSubscriptionResponse, Error> {
        let request = v1::RefundSubscriptionRequest::new(ALICE, format!("refund-of-{id}"));
        self.client.refund_subscription(request).await
    }

    /// Grants credits to Alice that expire at an instant, or never.
    pub(crate) async fn give(&self, source: Source, amount: i64, expires: Option<&str>) {
        let request = v1::GrantRequest {
            source: source.into(),
            expire_time: expires.map(at),
            ..gift(ALICE, &format!("{source:?}-{amount}"), credits(amount))
        };
        self.client.grant(request).await.expect("it is granted");
    }

    /// Estimates a job for Alice.
    pub(crate) async fn estimate(&self, operation: v1::Operation) -> v1::EstimateResponse {
        let request =
            v1::EstimateRequest { wallet_id: ALICE.into(), operation: Some(operation), ..Default::default() };
        self.client.estimate(request).await.expect("an estimate")
    }

    /// The price of a job, in credits.
    pub(crate) async fn price(&self, operation: v1::Operation) -> i64 {
        self.estimate(operation).await.amounts.iter().map(|amount| amount.amount).sum()
    }

    /// Reserves a job for Alice.
    pub(crate) async fn reserve(
        &self,
        job: &str,
        operation: v1::Operation,
    ) -> Result<v1::ReserveResponse, Error> {
        self.client.reserve(v1::ReserveRequest::new(ALICE, job, operation)).await
    }

    /// Reserves a job for Alice with the quote of an estimate.
    pub(crate) async fn reserve_quoted(&self, job: &str, quote: &str) -> Result<v1::ReserveResponse, Error> {
        let request = v1::ReserveRequest {
            wallet_id: ALICE.into(),
            reservation_id: job.into(),
            price: Some(Price::QuoteToken(quote.into())),
            ..Default::default()
        };
        self.client.reserve(request).await
    }

    /// Starts the job on a worker.
    pub(crate) async fn start(&self, job: &str) {
        self.client.start(shorthand::start(ALICE, job, "gpu-1", 1)).await.expect("it starts");
    }

    /// Reserves a job and starts it on a worker.
    pub(crate) async fn run(&self, job: &str, operation: v1::Operation) {
        self.reserve(job, operation).await.expect("it is reserved");
        self.start(job).await;
    }

    /// Settles the job as estimated.
    pub(crate) async fn deliver(&self, job: &str) -> v1::Reservation {
        self.settle(job, v1::Succeeded { cost: Some(v1::succeeded::Cost::AsReserved(v1::AsReserved {})) })
            .await
    }

    /// Settles the job with another quantity, for example fewer seconds or images.
    pub(crate) async fn deliver_other(&self, job: &str, quantity: &str, value: &str) -> v1::Reservation {
        self.settle(job, v1::Succeeded::usage([(quantity, value)])).await
    }

    async fn settle(&self, job: &str, succeeded: v1::Succeeded) -> v1::Reservation {
        let request = settle(ALICE, job, succeeded);
        self.client.settle(request).await.expect("it is settled").reservation.expect("shown")
    }

    /// Reports that the job has failed.
    pub(crate) async fn fail(&self, job: &str) -> v1::Reservation {
        let request = fail(ALICE, job, "GPU_LOST");
        self.client.settle(request).await.expect("it has failed").reservation.expect("shown")
    }

    /// Cancels the job for Alice.
    pub(crate) async fn cancel(&self, job: &str) -> v1::Reservation {
        let request = cancel(ALICE, job, CancelReason::User);
        self.client.cancel(request).await.expect("it is cancelled").reservation.expect("shown")
    }

    /// Alice's available and held amounts of a unit.
    pub(crate) async fn has(&self, unit: &str) -> (i64, i64) {
        let balances = balance(&self.client, ALICE).await.balances;
        let balance = balances.into_iter().find(|balance| balance.unit == unit).unwrap_or_default();
        let figure = |amount: Option<v1::Amount>| amount.unwrap_or_default().amount;
        (figure(balance.available), figure(balance.held))
    }

    /// Alice's available and held credits.
    pub(crate) async fn credits(&self) -> (i64, i64) {
        let (available, held, _) = credits_of(&self.client, ALICE).await;
        (available, held)
    }

    /// Alice's available credits by source, for example "SUBSCRIPTION 30, PURCHASED 5".
    pub(crate) async fn by_source(&self) -> String {
        let balances = balance(&self.client, ALICE).await.balances;
        let credits = balances.into_iter().find(|balance| balance.unit == "credits").unwrap_or_default();
        let figure = |source: &v1::SourceBalance| source.available.clone().unwrap_or_default().amount;
        let some = credits.by_source.iter().filter(|source| figure(source) > 0);
        let name = |source: &v1::SourceBalance| source.source().as_str_name().replace("SOURCE_", "");
        some.map(|source| format!("{} {}", name(source), figure(source))).collect::<Vec<_>>().join(", ")
    }

    /// The notifications for Alice with their units, for example "LOW_BALANCE 4 credits".
    pub(crate) async fn notices(&self) -> Vec<String> {
        let request = v1::ListEventsRequest { wallet_id: ALICE.into(), ..Default::default() };
        let events = self.client.list_events(request).await.expect("the events").events;
        let word = |event: &v1::Event| {
            let left = event.available.clone().unwrap_or_default();
            let kind = event.kind().as_str_name().trim_start_matches("EVENT_KIND_");
            format!("{kind} {} {}", left.amount, left.unit)
        };
        events.iter().map(word).collect()
    }

    /// The notifications for Alice without units, for example "LOW_BALANCE 4" and "EXHAUSTED 0".
    pub(crate) async fn shown(&self) -> Vec<String> {
        let request = v1::ListEventsRequest { wallet_id: ALICE.into(), ..Default::default() };
        let events = self.client.list_events(request).await.expect("the events").events;
        let words = |event: v1::Event| {
            let kind = event.kind().as_str_name().replace("EVENT_KIND_", "");
            format!("{kind} {}", event.available.unwrap_or_default().amount)
        };
        events.into_iter().map(words).collect()
    }

    /// The first page of Alice's entries.
    pub(crate) async fn ledger(&self) -> Vec<v1::Entry> {
        entries(&self.client, ALICE).await
    }
}

/// A request that subscribes Alice to a plan.
pub(crate) fn subscribe(plan: &str) -> v1::SubscribeRequest {
    v1::SubscribeRequest {
        wallet_id: ALICE.into(),
        request_id: format!("subscription-to-{plan}"),
        plan_id: plan.into(),
        ..Default::default()
    }
}

/// Parses an instant in RFC 3339 notation.
pub(crate) fn at(instant: &str) -> Timestamp {
    instant.parse().expect("an instant")
}

/// An operation with attributes, for example `op("image.generate", &[("model", "ember")])`.
pub(crate) fn op(kind: &str, attributes: &[(&str, &str)]) -> v1::Operation {
    attributes
        .iter()
        .fold(v1::Operation::new(kind), |operation, (name, value)| operation.attribute(*name, *value))
}

/// The credits that a job was charged.
pub(crate) fn charged(job: &v1::Reservation) -> i64 {
    job.charged.iter().map(|amount| amount.amount).sum()
}

/// The credits that a job returned.
pub(crate) fn returned(job: &v1::Reservation) -> i64 {
    job.returned.iter().map(|amount| amount.amount).sum()
}
