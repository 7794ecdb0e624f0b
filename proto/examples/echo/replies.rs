//! Typical replies of the real server to the commands of `wallet-load`. Only the ids come from the request.
//! `wallet-server/tests/it/echo.rs` compares their sizes with the real ones.

use std::sync::Arc;

use tonic::Status;
use wallet_proto::v1::{self, Amount, Reservation, ReservationState, Source};

/// The credits of a wallet.
const CREDITS: i64 = 999_999_999_960;
/// The revisions and versions of a wallet.
const REVISION: i64 = 5;

/// The replies, except for their ids.
#[derive(Clone)]
pub(crate) struct Replies(Arc<Templates>);

struct Templates {
    estimate: v1::EstimateResponse,
    reserve: v1::ReserveResponse,
    start: v1::StartResponse,
    extend: v1::ExtendResponse,
    settle: v1::SettleResponse,
    cancel: v1::CancelResponse,
    top_up: v1::TopUpResponse,
    balance: v1::GetBalanceResponse,
    wallet: v1::CreateWalletResponse,
}

/// Declares methods that answer about a job: the template with the ids of the request.
macro_rules! about_a_job {
    ($($method:ident($request:ident) -> $response:ident;)*) => {
        $(
            pub(crate) fn $method(&self, request: v1::$request) -> Result<v1::$response, Status> {
                let mut reply = self.0.$method.clone();
                if let Some(reservation) = &mut reply.reservation {
                    reservation.wallet_id = request.wallet_id;
                    reservation.reservation_id = request.reservation_id;
                }
                Ok(reply)
            }
        )*
    };
}

/// Declares methods that answer each item like a single call.
macro_rules! many {
    ($($many:ident($request:ident) -> $response:ident = $one:ident;)*) => {
        $(
            pub(crate) fn $many(&self, request: v1::$request) -> Result<v1::$response, Status> {
                let reply = |item| Ok(Ok(self.$one(item)?).into());
                let results = request.requests.into_iter().map(reply);
                Ok(v1::$response { results: results.collect::<Result<_, Status>>()? })
            }
        )*
    };
}

impl Replies {
    pub(crate) fn new() -> Self {
        let (revision, version, decide_time) = (REVISION, REVISION, Some(now(0)));
        let balances = vec![balance()];
        let [held, processing, settled, cancelled] = jobs().map(Some);
        Self(Arc::new(Templates {
            estimate: estimate(),
            reserve: v1::ReserveResponse {
                reservation: held,
                revision,
                version,
                decide_time,
                ..Default::default()
            },
            start: v1::StartResponse {
                reservation: processing,
                revision,
                version,
                decide_time,
                ..Default::default()
            },
            extend: v1::ExtendResponse {
                state: ReservationState::Processing.into(),
                remaining: Some(prost_types::Duration { seconds: 1_798, nanos: 947_822_000 }),
                deadline: Some(now(1_800)),
                revision,
                version,
                decide_time,
            },
            settle: v1::SettleResponse {
                reservation: settled,
                revision,
                version,
                decide_time,
                balances: balances.clone(),
                ..Default::default()
            },
            cancel: v1::CancelResponse {
                reservation: cancelled,
                revision,
                version,
                decide_time,
                balances: balances.clone(),
                ..Default::default()
            },
            top_up: v1::TopUpResponse {
                grants: vec![grant()],
                revision,
                version,
                decide_time,
                balances: balances.clone(),
                ..Default::default()
            },
            balance: v1::GetBalanceResponse {
                balances,
                revision,
                version,
                read_time: decide_time,
                ..Default::default()
            },
            wallet: v1::CreateWalletResponse {
                wallet: Some(v1::Wallet {
                    status: v1::WalletStatus::Active.into(),
                    create_time: decide_time,
                    revision: 1,
                    version: 1,
                    ..Default::default()
                }),
                revision: 1,
                version: 1,
                decide_time,
                ..Default::default()
            },
        }))
    }

    about_a_job! {
        reserve(ReserveRequest) -> ReserveResponse;
        start(StartRequest) -> StartResponse;
        settle(SettleRequest) -> SettleResponse;
        cancel(CancelRequest) -> CancelResponse;
    }

    many! {
        reserve_many(ReserveManyRequest) -> ReserveManyResponse = reserve;
        extend_many(ExtendManyRequest) -> ExtendManyResponse = extend;
        settle_many(SettleManyRequest) -> SettleManyResponse = settle;
    }

    pub(crate) fn extend(&self, _: v1::ExtendRequest) -> Result<v1::ExtendResponse, Status> {
        Ok(self.0.extend)
    }

    pub(crate) fn estimate(&self, _: v1::EstimateRequest) -> Result<v1::EstimateResponse, Status> {
        Ok(self.0.estimate.clone())
    }

    pub(crate) fn get_balance(&self, _: v1::GetBalanceRequest) -> Result<v1::GetBalanceResponse, Status> {
        Ok(self.0.balance.clone())
    }

    pub(crate) fn top_up(&self, request: v1::TopUpRequest) -> Result<v1::TopUpResponse, Status> {
        let mut reply = self.0.top_up.clone();
        for grant in &mut reply.grants {
            grant.grant_id = format!("top_up:{}", request.top_up_id);
        }
        Ok(v1::TopUpResponse { top_up_id: request.top_up_id, ..reply })
    }

    pub(crate) fn create_wallet(
        &self,
        request: v1::CreateWalletRequest,
    ) -> Result<v1::CreateWalletResponse, Status> {
        let mut reply = self.0.wallet.clone();
        if let Some(wallet) = &mut reply.wallet {
            wallet.wallet_id = request.wallet_id;
        }
        Ok(reply)
    }
}

/// A job that is held, in progress, settled, and cancelled.
fn jobs() -> [Reservation; 4] {
    let held = Reservation {
        state: ReservationState::Held.into(),
        operation: Some(
            v1::Operation::new("video.generate")
                .attribute("model", "standard")
                .attribute("resolution", "720p")
                .quantity("duration_s", "5"),
        ),
        amounts: vec![credits(40)],
        max_amounts: vec![credits(48)],
        allocations: vec![v1::Allocation {
            grant_id: "top_up:opening".to_owned(),
            source: Source::Purchased.into(),
            unit: "credits".to_owned(),
            held: 40,
            ..Default::default()
        }],
        lines: vec![line()],
        catalog_version: 1,
        rule_id: "video-standard".to_owned(),
        overage_policy: v1::OveragePolicy::ChargeIfAvailable.into(),
        cancel_fees: vec![cancel_fee()],
        cancel_fee_now: vec![credits(0)],
        reserve_time: Some(now(0)),
        deadline: Some(now(1_800)),
        reserve_revision: 3,
        ..Default::default()
    };
    let processing = Reservation {
        state: ReservationState::Processing.into(),
        cancel_fee_now: vec![credits(20)],
        worker: "gpu-7".to_owned(),
        attempt: 1,
        start_time: Some(now(1)),
        ..held.clone()
    };
    let ended = Reservation {
        returned: vec![credits(0)],
        cancel_fee_now: Vec::new(),
        finish_time: Some(now(1)),
        finish_revision: REVISION,
        deadline: None,
        ..held.clone()
    };
    let mut settled =
        Reservation { state: ReservationState::Settled.into(), charged: vec![credits(40)], ..ended.clone() };
    settled.allocations.iter_mut().for_each(|allocation| allocation.charged = 40);
    let mut cancelled = Reservation {
        state: ReservationState::Cancelled.into(),
        cancel_reason: v1::CancelReason::Platform.into(),
        charged: vec![credits(0)],
        fees: vec![credits(0)],
        returned: vec![credits(40)],
        ..ended
    };
    cancelled.allocations.iter_mut().for_each(|allocation| allocation.returned = 40);
    [held, processing, settled, cancelled]
}

fn estimate() -> v1::EstimateResponse {
    v1::EstimateResponse {
        amounts: vec![credits(40)],
        max_amounts: vec![credits(48)],
        lines: vec![line()],
        catalog_version: 1,
        rule_id: "video-standard".to_owned(),
        quote_token: format!("q1.{}.{}", "e".repeat(360), "H".repeat(43)),
        quote_expire_time: Some(now(600)),
        decision: v1::Decision::Allowed.into(),
        available: vec![credits(CREDITS)],
        cancel_fees: vec![cancel_fee()],
        ..Default::default()
    }
}

fn balance() -> v1::Balance {
    v1::Balance {
        unit: "credits".to_owned(),
        available: Some(credits(CREDITS)),
        held: Some(credits(0)),
        debt: Some(credits(0)),
        debt_limit: Some(credits(0)),
        by_source: vec![v1::SourceBalance {
            source: Source::Purchased.into(),
            available: Some(credits(CREDITS)),
            held: Some(credits(0)),
        }],
        ..Default::default()
    }
}

fn grant() -> v1::Grant {
    v1::Grant {
        amount: Some(credits(100)),
        source: Source::Purchased.into(),
        available: 100,
        effective_time: Some(now(0)),
        create_time: Some(now(0)),
        open: true,
        ..Default::default()
    }
}

fn credits(amount: i64) -> Amount {
    Amount { display: amount.to_string(), ..Amount::new("credits", amount) }
}

fn line() -> v1::PriceLine {
    v1::PriceLine {
        label: "Seconds".to_owned(),
        quantity: "5".to_owned(),
        unit: "credits".to_owned(),
        exact_amount: "40".to_owned(),
    }
}

fn cancel_fee() -> v1::CancelFee {
    v1::CancelFee { unit: "credits".to_owned(), held_percent: 0, processing_percent: 50 }
}

fn now(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: 1_800_000_000 + seconds, nanos: 512_345_000 }
}
