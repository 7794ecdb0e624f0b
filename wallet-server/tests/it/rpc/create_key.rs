//! CreateKey: a key with its secret, which gives only scopes that its creator has.

use wallet_client::v1::{self, ErrorReason, Scope};
use wallet_client::{Code, WalletClient};

use crate::harness::{Database, Front, Server, id_of, with_key};
use crate::shorthand::{later, refused, violations};

fn ask(name: &str, scopes: &[Scope]) -> v1::CreateKeyRequest {
    v1::CreateKeyRequest::new(name, scopes.iter().copied())
}

async fn given(database: Database) {
    let front = Front::new(database);
    let (all, narrow) = (front.key("default", "all"), front.key("default", "keys,read"));
    let server = front.serve().await;
    let client = with_key(&server, &all).await;

    let made = client.create_key(ask("gpu workers", &[Scope::Settle, Scope::Reserve])).await.unwrap();
    let info = made.key.unwrap();
    assert!(made.secret.starts_with("cw_live_") && id_of(&made.secret) == info.key_id, "{info:?}");
    assert_eq!(info.name, "gpu workers");
    assert_eq!(info.scopes, [Scope::Reserve, Scope::Settle].map(i32::from));
    assert_eq!((info.expire_time, info.revoke_time), (None, None));
    let worker = with_key(&server, &made.secret).await;
    let missing = worker.get_wallet(v1::GetWalletRequest { wallet_id: "w".into() }).await;
    let refusal = refused(missing, ErrorReason::ScopeMissing, Code::PermissionDenied);
    assert_eq!(refusal.metadata["scope"], "read");
    let job = v1::StartRequest { wallet_id: "w".into(), reservation_id: "j".into(), ..Default::default() };
    assert_ne!(worker.start(job).await.unwrap_err().refusal().unwrap().reason, ErrorReason::ScopeMissing);

    let narrow = with_key(&server, &narrow).await;
    let wide = narrow.create_key(ask("wide", &[Scope::Read, Scope::Topup])).await;
    let refusal = refused(wide, ErrorReason::ScopeMissing, Code::PermissionDenied);
    assert_eq!(refusal.metadata["scope"], "topup");
    narrow.create_key(ask("as narrow", &[Scope::Read])).await.unwrap();

    let rate = ask("no rate", &[Scope::Read]).with_rate(-1, 1_000_001);
    let faults = violations(client.create_key(rate).await);
    assert_eq!(faults.len(), 2, "{faults:?}");
    expires(&server, &client).await;
    assert!(server.verify().await.is_clean());
}

/// A key is refused from its expiry on.
async fn expires(server: &Server, client: &WalletClient) {
    let now = client.create_key(ask("now", &[Scope::Read])).await.unwrap().key.unwrap().create_time;
    let brief = ask("brief", &[Scope::Read]).with_expire_time(later(now, 60).unwrap());
    let brief = with_key(server, &client.create_key(brief).await.unwrap().secret).await;
    brief.list_wallets(v1::ListWalletsRequest::default()).await.unwrap();
    let by = |seconds| v1::AdvanceClockRequest::by(std::time::Duration::from_secs(seconds));
    client.advance_clock(by(59)).await.unwrap();
    brief.list_wallets(v1::ListWalletsRequest::default()).await.unwrap();
    client.advance_clock(by(1)).await.unwrap();
    let late = brief.list_wallets(v1::ListWalletsRequest::default()).await;
    refused(late, ErrorReason::KeyInvalid, Code::Unauthenticated);
    let past = ask("past", &[Scope::Read]).with_expire_time(now.unwrap());
    assert_eq!(violations(client.create_key(past).await), ["expire_time: must be in the future"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_has_its_scopes_until_it_expires_on_sqlite() {
    given(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_has_its_scopes_until_it_expires_on_postgres() {
    given(Database::postgres()).await;
}

each_database! {
    async fn a_server_without_a_pepper_creates_no_keys(server: Server) {
        let client = server.client().await;
        let none = client.create_key(ask("k", &[Scope::Read])).await;
        refused(none, ErrorReason::KeysOff, Code::FailedPrecondition);
    }
}
