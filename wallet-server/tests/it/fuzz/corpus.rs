//! The corpus of requests: valid ones, and those in `corpus.txt`, one per line, that led to a new outcome before.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use prost::Message;
use wallet_client::v1::{self, CancelReason};

use crate::harness::{credits, video};
use crate::shorthand::{cancel, explicit, fail, gift, seconds, set_status, settle, start};
use crate::subscriptions::{change, end, pause, payment, resume, subscribe};

/// The path and the message of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Input {
    pub(crate) path: String,
    pub(crate) message: Vec<u8>,
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fuzz/corpus.txt")
}

/// The valid requests and those in `corpus.txt`.
pub(super) fn inputs() -> Vec<Input> {
    let mut inputs = usual();
    let found = fs::read_to_string(file()).expect("the corpus");
    for line in found.lines() {
        let (path, message) = line.split_once(' ').expect("a path and a message");
        inputs.push(Input { path: path.into(), message: hex::decode(message).expect("hex") });
    }
    inputs
}

pub(super) fn keep(input: &Input) {
    let file = OpenOptions::new().append(true).create(true).open(file());
    writeln!(file.expect("the corpus"), "{} {}", input.path, hex::encode(&input.message)).expect("written");
}

/// A valid request of every kind.
pub(crate) fn usual() -> Vec<Input> {
    let wallet_id = || "w".to_owned();
    let estimate =
        v1::EstimateRequest { wallet_id: wallet_id(), operation: Some(video("5")), ..Default::default() };
    let reserve = v1::ReserveRequest {
        actor: "ann".into(),
        ttl: Some(seconds(60)),
        ..v1::ReserveRequest::new("w", "job", video("5"))
    };
    let extend =
        v1::ExtendRequest { wallet_id: wallet_id(), reservation_id: "job".into(), ..Default::default() };
    let jobs = v1::ListReservationsRequest { wallet_id: wallet_id(), page_size: 10, ..Default::default() };
    let lines = v1::ListEntriesRequest { wallet_id: wallet_id(), after_revision: 1, ..Default::default() };
    let begun = prost_types::Timestamp { seconds: 1_800_000_000, nanos: 0 };
    let refund_of_period = v1::RecordRefundRequest::period("w", "month", begun, v1::Money::new("EUR", 250));
    let create = v1::CreateWalletRequest {
        wallet_id: "v".into(),
        debt_limits: vec![credits(9)],
        ..Default::default()
    };
    let revoke = v1::RevokeGrantRequest {
        wallet_id: wallet_id(),
        request_id: "r".into(),
        grant_id: "grant:gift".into(),
        ..Default::default()
    };
    let invoice = v1::PeriodPayment { payment_ref: "in_1".into(), ..Default::default() };
    vec![
        wallet("Estimate", &estimate),
        wallet("Reserve", &reserve),
        wallet("Reserve", &explicit("w", "own", vec![credits(3)])),
        wallet("Start", &start("w", "job", "gpu", 1)),
        wallet("Extend", &extend),
        wallet("Settle", &settle("w", "job", v1::Succeeded::usage([("duration_s", "4")]))),
        wallet("Settle", &fail("w", "own", "OOM")),
        wallet(
            "ReserveMany",
            &v1::ReserveManyRequest::new([reserve.clone(), explicit("w", "own", vec![credits(3)])]),
        ),
        wallet("ExtendMany", &v1::ExtendManyRequest::new([extend.clone(), extend.clone()])),
        wallet("SettleMany", &v1::SettleManyRequest::new([fail("w", "job", "OOM"), fail("v", "own", "OOM")])),
        wallet("Cancel", &cancel("w", "job", CancelReason::User)),
        wallet("TopUp", &v1::TopUpRequest::amount("w", "second", credits(7))),
        wallet(
            "TopUp",
            &v1::TopUpRequest::pack("w", "packs", "starter")
                .with_external_ref(v1::ExternalRef::new("stripe", "pi"))
                .with_line("1")
                .with_quantity(2)
                .with_catalog_version(1),
        ),
        wallet("GetBalance", &v1::GetBalanceRequest { wallet_id: wallet_id(), ..Default::default() }),
        wallet(
            "GetReservation",
            &v1::GetReservationRequest { wallet_id: wallet_id(), reservation_id: "job".into() },
        ),
        wallet("ListReservations", &jobs),
        wallet("ListGrants", &v1::ListGrantsRequest { wallet_id: wallet_id(), ..Default::default() }),
        wallet("ListEntries", &lines),
        Input {
            path: "/wallet.v1.EventService/ListEvents".into(),
            message: v1::ListEventsRequest { wallet_id: wallet_id(), kinds: vec![1], ..Default::default() }
                .encode_to_vec(),
        },
        Input {
            path: "/wallet.v1.EventService/ListFeed".into(),
            message: v1::ListFeedRequest::new(1)
                .with_types(["job.settled"])
                .with_wallet_ids(["w"])
                .encode_to_vec(),
        },
        Input {
            path: "/wallet.v1.EventService/WatchWallet".into(),
            message: v1::WatchWalletRequest::new("w").encode_to_vec(),
        },
        wallet("GetEntitlements", &v1::GetEntitlementsRequest { wallet_id: wallet_id() }),
        admin("CreateWallet", &create),
        admin("GetWallet", &v1::GetWalletRequest { wallet_id: wallet_id() }),
        admin("ListWallets", &v1::ListWalletsRequest { page_size: 3, ..Default::default() }),
        admin("ListWallets", &v1::ListWalletsRequest { frozen_only: true, ..Default::default() }),
        admin("UpdateWallet", &set_status("w", "u", v1::WalletStatus::Active)),
        admin("Grant", &gift("w", "gift", credits(5))),
        admin("RevokeGrant", &revoke),
        admin(
            "RecordRefund",
            &v1::RecordRefundRequest::top_up("w", "part", "first", v1::Money::new("EUR", 250))
                .with_used(v1::UsedCredits::Owe),
        ),
        admin("RecordRefund", &refund_of_period),
        admin("RecordChargeback", &v1::RecordChargebackRequest::period("w", "lost", begun)),
        admin("ReverseChargeback", &v1::ReverseChargebackRequest::period("w", "won-back", begun)),
        admin("ReverseChargeback", &v1::ReverseChargebackRequest::top_up("w", "won", "second")),
        admin("CloseWallet", &v1::CloseWalletRequest::new("v", "closed")),
        admin("Subscribe", &subscribe("trial", "taste")),
        admin("CancelSubscription", &end("end", v1::CancelTime::Now)),
        admin("Subscribe", &subscribe("trial-again", "taste")),
        admin("Subscribe", &subscribe("s", "creator")),
        admin("ChangePlan", &change("c", "pro")),
        admin("CancelSubscription", &end("e", v1::CancelTime::AtPeriodEnd)),
        admin("PauseSubscription", &pause("u1")),
        admin("ResumeSubscription", &resume("u2")),
        admin("RecordPayment", &payment("p").with_paid(invoice)),
        admin(
            "SetAutoTopUp",
            &v1::SetAutoTopUpRequest::on("w", "auto", v1::AutoTopUpSetting::new("credits", 20, "single")),
        ),
        admin("RecordAutoTopUpFailure", &v1::RecordAutoTopUpFailureRequest::new("w", "declined", "auto-1")),
        key(
            "CreateKey",
            &v1::CreateKeyRequest::new("gpu workers", [v1::Scope::Reserve, v1::Scope::Settle])
                .with_rate(9, 20),
        ),
        key(
            "CreateWalletToken",
            &v1::CreateWalletTokenRequest::new("w", [v1::Scope::Read, v1::Scope::Estimate])
                .with_ttl(std::time::Duration::from_secs(60)),
        ),
        key("ListKeys", &v1::ListKeysRequest::new().with_page_size(3)),
        key(
            "RotateKey",
            &v1::RotateKeyRequest::new("0Aq3Zk9xYb").with_overlap(std::time::Duration::from_secs(60)),
        ),
        key("RevokeKey", &v1::RevokeKeyRequest::new("0Aq3Zk9xYb")),
        key("ListAuditEvents", &v1::ListAuditEventsRequest::new().with_page_size(3)),
        // The tenant exists, so that few others are created.
        tenant("CreateTenant", &v1::CreateTenantRequest::new("default", v1::TenantMode::Live)),
        tenant("ListTenants", &v1::ListTenantsRequest::new().with_page_size(3)),
        tenant("UpdateTenant", &v1::UpdateTenantRequest::suspend("studio")),
        tenant(
            "CreateTenantKey",
            &v1::CreateTenantKeyRequest::new("studio", "first key", [v1::Scope::Admin]).with_rate(9, 20),
        ),
        // Endpoints are never created: the server would look up mutated host names.
        webhook(
            "CreateWebhookEndpoint",
            &v1::CreateWebhookEndpointRequest::new("hook", "ftp://receiver.invalid"),
        ),
        webhook("ListWebhookEndpoints", &v1::ListWebhookEndpointsRequest::new()),
        webhook("UpdateWebhookEndpoint", &v1::UpdateWebhookEndpointRequest::new("hook")),
        webhook("DeleteWebhookEndpoint", &v1::DeleteWebhookEndpointRequest::new("hook")),
        webhook("TestWebhookEndpoint", &v1::TestWebhookEndpointRequest::new("hook")),
        webhook("ListWebhookDeliveries", &v1::ListWebhookDeliveriesRequest::new("hook")),
        webhook(
            "RetryWebhookDeliveries",
            &v1::RetryWebhookDeliveriesRequest::new("hook").with_positions(1, 9),
        ),
    ]
}

fn wallet(rpc: &str, message: &impl Message) -> Input {
    Input { path: format!("/wallet.v1.WalletService/{rpc}"), message: message.encode_to_vec() }
}

/// The payment, recorded a second time, for the period that a subscription is in.
pub(super) fn paid_again(subscription: &v1::Subscription) -> Input {
    let period = subscription.period_start_time.expect("a plan with periods");
    admin("RecordPayment", &payment("again").with_period_start_time(period))
}

fn admin(rpc: &str, message: &impl Message) -> Input {
    Input { path: format!("/wallet.v1.AdminService/{rpc}"), message: message.encode_to_vec() }
}

fn key(rpc: &str, message: &impl Message) -> Input {
    Input { path: format!("/wallet.v1.KeyService/{rpc}"), message: message.encode_to_vec() }
}

fn tenant(rpc: &str, message: &impl Message) -> Input {
    Input { path: format!("/wallet.v1.TenantService/{rpc}"), message: message.encode_to_vec() }
}

fn webhook(rpc: &str, message: &impl Message) -> Input {
    Input { path: format!("/wallet.v1.WebhookService/{rpc}"), message: message.encode_to_vec() }
}
