//! CreateWalletToken: a token for one wallet, until it expires or its key ends.

use std::time::Duration;

use wallet_client::v1::{self, ErrorReason, Scope};
use wallet_client::{Code, Error, WalletClient};

use crate::harness::{Database, Front, Server, id_of, with_key};
use crate::shorthand::{credits_of, refused, violations};

fn ask(wallet: &str, scopes: &[Scope]) -> v1::CreateWalletTokenRequest {
    v1::CreateWalletTokenRequest::new(wallet, scopes.iter().copied())
}

async fn balance(page: &WalletClient, wallet: &str) -> Result<v1::GetBalanceResponse, Error> {
    page.get_balance(v1::GetBalanceRequest::new(wallet)).await
}

async fn given(database: Database) {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "studio"]);
    let (all, narrow, foreign) =
        (front.key("default", "all"), front.key("default", "read"), front.key("studio", "all"));
    let server = front.serve().await;
    let [client, narrow, foreign] =
        [with_key(&server, &all).await, with_key(&server, &narrow).await, with_key(&server, &foreign).await];
    client.create_wallet(v1::CreateWalletRequest::new("ann")).await.unwrap();

    let made = client.create_wallet_token(ask("ann", &[Scope::Read])).await.unwrap();
    assert!(made.token.starts_with("cwt_"), "{made:?}");
    let page = with_key(&server, &made.token).await;
    assert_eq!(credits_of(&page, "ann").await.0, 0);
    let priced = page.estimate(v1::EstimateRequest::new("ann", crate::harness::video("5"))).await;
    let refusal = refused(priced, ErrorReason::ScopeMissing, Code::PermissionDenied);
    assert_eq!(refusal.metadata["scope"], "estimate");
    let more = page.create_wallet_token(ask("ann", &[Scope::Read])).await;
    refused(more, ErrorReason::NotForWalletToken, Code::PermissionDenied);

    let wider = narrow.create_wallet_token(ask("ann", &[Scope::Read, Scope::Events])).await;
    let refusal = refused(wider, ErrorReason::ScopeMissing, Code::PermissionDenied);
    assert_eq!(refusal.metadata["scope"], "events");
    let elsewhere = foreign.create_wallet_token(ask("ann", &[Scope::Read])).await.unwrap().token;
    let elsewhere = with_key(&server, &elsewhere).await;
    refused(balance(&elsewhere, "ann").await, ErrorReason::WalletNotFound, Code::NotFound);

    let wrong = ask("", &[Scope::Read, Scope::Topup]).with_ttl(Duration::from_secs(3_601));
    assert_eq!(
        violations(client.create_wallet_token(wrong).await),
        [
            "wallet_id: must not be empty",
            "scopes: has topup, which no wallet token has; a token can have estimate read events",
            "ttl: is 3601s, 1s to 3600s is allowed",
        ]
    );
    ends(&server, &client).await;
    assert!(server.verify().await.is_clean());
}

/// A token ends at its expiry, with its key, and with any change of its text.
async fn ends(server: &Server, client: &WalletClient) {
    let brief = ask("ann", &[Scope::Read]).with_ttl(Duration::from_secs(60));
    let usual = client.create_wallet_token(ask("ann", &[Scope::Read])).await.unwrap();
    let brief = client.create_wallet_token(brief).await.unwrap();
    let [start, end] = [&brief, &usual].map(|made| made.expire_time.unwrap().seconds);
    assert_eq!(end - start, 14 * 60, "15 minutes by default");
    let page = with_key(server, &brief.token).await;
    let by = |seconds| v1::AdvanceClockRequest::by(Duration::from_secs(seconds));
    client.advance_clock(by(59)).await.unwrap();
    balance(&page, "ann").await.unwrap();
    client.advance_clock(by(1)).await.unwrap();
    refused(balance(&page, "ann").await, ErrorReason::WalletTokenExpired, Code::Unauthenticated);

    let key = client.create_key(v1::CreateKeyRequest::new("k", [Scope::Read])).await.unwrap().secret;
    let maker = with_key(server, &key).await;
    let token = maker.create_wallet_token(ask("ann", &[Scope::Read])).await.unwrap().token;
    let page = with_key(server, &token).await;
    balance(&page, "ann").await.unwrap();
    for (at, reason) in [(10, ErrorReason::KeyInvalid), (2, ErrorReason::KeyMalformed)] {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
        let changed = with_key(server, std::str::from_utf8(&changed).unwrap()).await;
        refused(balance(&changed, "ann").await, reason, Code::Unauthenticated);
    }
    client.revoke_key(v1::RevokeKeyRequest::new(id_of(&key))).await.unwrap();
    refused(balance(&page, "ann").await, ErrorReason::KeyInvalid, Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_has_its_scopes_until_it_or_its_key_ends_on_sqlite() {
    given(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_has_its_scopes_until_it_or_its_key_ends_on_postgres() {
    given(Database::postgres()).await;
}

each_database! {
    async fn a_server_without_a_pepper_makes_no_tokens(server: Server) {
        let client = server.client().await;
        let none = client.create_wallet_token(ask("ann", &[Scope::Read])).await;
        refused(none, ErrorReason::KeysOff, Code::FailedPrecondition);
    }
}
