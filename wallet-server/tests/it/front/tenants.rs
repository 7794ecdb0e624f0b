//! Several tenants on one server: each has its own wallets, jobs, catalog and quotes, and sees nothing of the others.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use tonic::transport::{Channel, Endpoint};
use tonic_types::StatusExt;
use wallet_client::v1::{self, ErrorReason};
use wallet_client::{Code, WalletClient};

use crate::fuzz::corpus::usual;
use crate::fuzz::raw;
use crate::harness::{Database, Front, credits, eventually, id_of, video, with_key};
use crate::shorthand::{credits_of, entries, publish, refused, reservation, settle};
use crate::subscriptions::PLANS;

/// Two tenants of a server, and a channel to it.
struct Two {
    server: crate::harness::Server,
    keys: [String; 2],
    clients: [WalletClient; 2],
    channel: Channel,
}

async fn two(database: Database) -> Two {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "other", "--test"]);
    let keys = ["default", "other"].map(|tenant| front.key(tenant, "all"));
    assert!(keys[0].starts_with("cw_live_") && keys[1].starts_with("cw_test_"));
    let server = front.serve().await;
    let clients = [with_key(&server, &keys[0]).await, with_key(&server, &keys[1]).await];
    let channel = Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap();
    Two { server, keys, clients, channel }
}

async fn with_credits(client: &WalletClient, wallet: &str, amount: i64) {
    let create = v1::CreateWalletRequest { wallet_id: wallet.into(), ..Default::default() };
    client.create_wallet(create).await.unwrap();
    client.top_up(v1::TopUpRequest::amount(wallet, "first", credits(amount))).await.unwrap();
}

async fn own_wallets_jobs_and_catalogs(database: Database) {
    let Two { server, keys, clients: [ours, theirs], .. } = two(database).await;
    with_credits(&ours, "w", 100).await;
    with_credits(&theirs, "w", 200).await;
    with_credits(&theirs, "only-theirs", 1).await;
    ours.reserve(v1::ReserveRequest::new("w", "job", video("5"))).await.unwrap();
    assert_eq!(entries(&ours, "w").await.last().unwrap().principal, id_of(&keys[0]));
    assert_eq!(entries(&theirs, "w").await.last().unwrap().principal, id_of(&keys[1]));

    let foreign = theirs.settle(settle("w", "job", v1::Succeeded::default())).await;
    refused(foreign, ErrorReason::ReservationNotFound, Code::NotFound);
    let foreign = v1::GetReservationRequest { wallet_id: "w".into(), reservation_id: "job".into() };
    refused(theirs.get_reservation(foreign).await, ErrorReason::ReservationNotFound, Code::NotFound);
    let listed = ours.list_wallets(v1::ListWalletsRequest::default()).await.unwrap().wallets;
    assert_eq!(listed.iter().map(|wallet| wallet.wallet_id.as_str()).collect::<Vec<_>>(), ["w"]);
    assert_eq!(credits_of(&theirs, "w").await.0, 200);

    let quote =
        v1::EstimateRequest { wallet_id: "w".into(), operation: Some(video("5")), ..Default::default() };
    let quote = ours.estimate(quote).await.unwrap().quote_token;
    let stolen = v1::ReserveRequest::quoted("w", "stolen", quote);
    refused(theirs.reserve(stolen).await, ErrorReason::QuoteInvalid, Code::InvalidArgument);

    publish(&theirs, PLANS).await;
    let toml = async |client: &WalletClient| {
        client.get_catalog(v1::GetCatalogRequest::default()).await.unwrap().catalog.unwrap().toml
    };
    assert_eq!(toml(&ours).await, wallet_server::BUNDLED_CATALOG);
    assert_eq!(toml(&theirs).await, PLANS);

    // The sweeper processes the due events of every tenant.
    theirs.reserve(crate::shorthand::explicit("only-theirs", "slow", vec![credits(1)])).await.unwrap();
    ours.advance_clock(v1::AdvanceClockRequest::by(Duration::from_secs(8 * 86_400))).await.unwrap();
    for (client, wallet, job) in [(&ours, "w", "job"), (&theirs, "only-theirs", "slow")] {
        assert_eq!(
            entries(client, wallet).await.last().unwrap().kind(),
            v1::EntryKind::HoldExpired,
            "{wallet}"
        );
        assert_eq!(reservation(client, wallet, job).await.state(), v1::ReservationState::Expired);
    }
    let report = server.verify().await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_made_while_servers_run_is_served_by_all_of_them() {
    let front = Front::new(Database::postgres());
    let (first, second) = (front.serve().await, front.serve().await);
    front.cli(&["tenants", "create", "late", "--catalog", "catalogs/flikly.toml"]);
    let key = front.key("late", "all");
    let (one, two) = (with_key(&first, &key).await, with_key(&second, &key).await);
    let versions = async |client: &WalletClient| {
        let plans = client.list_plans(v1::ListPlansRequest::default()).await.unwrap().plans;
        plans.into_iter().map(|plan| plan.plan_id).collect::<Vec<_>>()
    };
    let plans = versions(&one).await;
    assert!(plans.iter().any(|plan| plan == "creator"), "{plans:?}");
    assert_eq!(versions(&two).await, plans);
    with_credits(&one, "w", 5).await;
    let verified = front.cli(&["verify", "--wallet", "w", "--tenant", "late"]);
    assert!(verified.contains("1 wallet"), "{verified}");
    let unfrozen = front.cli(&["unfreeze", "--tenant", "late", "w"]);
    assert_eq!(unfrozen, "wallet w was not frozen\n");

    let wrong = crate::cli::run(&["verify", "--wallet", "w", "--database-url", &front.database.url], &[]);
    assert!(wrong.stderr.contains("there is no wallet w"), "{wrong:?}");
    front.cli(&["tenants", "suspend", "late"]);
    suspended(&one).await;
    suspended(&two).await;
}

/// Waits until the calls of a tenant are refused.
async fn suspended(client: &WalletClient) {
    eventually("the tenant is refused", async || {
        match client.list_plans(v1::ListPlansRequest::default()).await {
            Ok(plans) => Err(plans),
            answer => Ok(refused(answer, ErrorReason::TenantSuspended, Code::PermissionDenied)),
        }
    })
    .await;
}

/// The content and the number of bytes of an answer. The order of the metadata of an error is random.
type Seen = (Code, String, usize, Option<(String, BTreeMap<String, String>)>);

async fn seen(channel: &Channel, key: &str, path: &str, message: &[u8]) -> Seen {
    let authorization = format!("Bearer {key}");
    match raw::call_with(channel, path, message.to_vec(), Some(&authorization)).await {
        Ok(answer) => (Code::Ok, json(path, &answer), answer.len(), None),
        Err(status) => {
            let info = status.get_error_details().error_info().cloned();
            let info = info.map(|info| (info.reason, info.metadata.into_iter().collect()));
            (status.code(), status.message().to_owned(), status.details().len(), info)
        }
    }
}

/// The answer of a method as JSON, whose maps have an order.
fn json(path: &str, answer: &[u8]) -> String {
    let pool = DescriptorPool::decode(wallet_proto::FILE_DESCRIPTOR_SET).unwrap();
    let (service, name) = path.trim_start_matches('/').split_once('/').unwrap();
    let service = pool.get_service_by_name(service).unwrap();
    let method = service.methods().find(|method| method.name() == name).unwrap();
    let answer = DynamicMessage::decode(method.output(), answer).unwrap();
    serde_json::to_value(&answer).unwrap().to_string()
}

async fn foreign_and_missing_wallets_look_alike(database: Database) {
    let Two { server: _server, keys: [our_key, their_key], clients: [ours, _], channel } =
        two(database).await;
    // Requests about a wallet, by the wallet that they name.
    let about_w: Vec<_> = usual()
        .into_iter()
        .filter(|input| !input.path.contains("KeyService") || input.path.contains("/List"))
        .filter(|input| !input.path.ends_with("/CreateWallet"))
        .collect();
    assert!(about_w.len() > 35, "{}", about_w.len());
    for compared in
        ["ReserveMany", "ExtendMany", "SettleMany", "ListWallets", "ListEvents", "ListFeed", "ListKeys"]
    {
        assert!(about_w.iter().any(|input| input.path.ends_with(compared)), "{compared}");
    }
    let mut missing = Vec::new();
    // The first calls of their own tenant may change what the next ones see.
    for _ in 0..2 {
        missing.clear();
        for input in &about_w {
            missing.push(seen(&channel, &their_key, &input.path, &input.message).await);
        }
    }
    for wallet in ["w", "v"] {
        with_credits(&ours, wallet, 100).await;
        ours.reserve(v1::ReserveRequest::new(wallet, "job", video("5"))).await.unwrap();
    }
    let mut found = 0;
    for (input, before) in about_w.iter().zip(missing) {
        let after = seen(&channel, &their_key, &input.path, &input.message).await;
        assert_eq!(after, before, "{}", input.path);
        found += usize::from(seen(&channel, &our_key, &input.path, &input.message).await != before);
    }
    assert!(found > 20, "the wallets exist for their own tenant: {found}");

    let mut revoked = Vec::new();
    for id in [id_of(&our_key), "0000000000"] {
        let message = v1::RevokeKeyRequest::new(id).encode_to_vec();
        let (code, text, bytes, info) =
            seen(&channel, &their_key, "/wallet.v1.KeyService/RevokeKey", &message).await;
        revoked.push((code, text.replace(id, "ID"), bytes, info));
    }
    assert_eq!((revoked[0].0, &revoked[0]), (Code::NotFound, &revoked[1]), "keys of another tenant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_have_own_wallets_jobs_and_catalogs_on_sqlite() {
    own_wallets_jobs_and_catalogs(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_have_own_wallets_jobs_and_catalogs_on_postgres() {
    own_wallets_jobs_and_catalogs(Database::postgres()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wallets_of_another_tenant_answer_like_missing_ones_on_sqlite() {
    foreign_and_missing_wallets_look_alike(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wallets_of_another_tenant_answer_like_missing_ones_on_postgres() {
    foreign_and_missing_wallets_look_alike(Database::postgres()).await;
}
