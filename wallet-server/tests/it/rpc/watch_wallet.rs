//! WatchWallet: the balances of a wallet at once, then as they change, over connections that break.

use std::time::Duration;

use tokio::time::timeout;
use wallet_client::v1::{self, ErrorReason, Scope};
use wallet_client::{Code, Error, WalletClient, WalletWatch};

use crate::harness::{Database, Front, Server, credits, id_of, with_key};
use crate::shorthand::{explicit, gift, refused};

/// The time within which new balances must come.
const SOON: Duration = Duration::from_secs(20);

fn watch(client: &WalletClient, wallet: &str) -> WalletWatch {
    client.watch_wallet(v1::WatchWalletRequest::new(wallet))
}

async fn next(watch: &mut WalletWatch) -> v1::GetBalanceResponse {
    timeout(SOON, watch.next()).await.expect("balances come soon").unwrap()
}

/// Waits until a watch shows this many available credits.
async fn until(watch: &mut WalletWatch, amount: i64) -> v1::GetBalanceResponse {
    loop {
        let balance = next(watch).await;
        let available: i64 = balance.balances.iter().map(|unit| unit.available.clone().unwrap().amount).sum();
        if amount == available {
            return balance;
        }
    }
}

/// Waits for the error that ends a watch.
async fn end(watch: &mut WalletWatch) -> Result<v1::GetBalanceResponse, Error> {
    loop {
        timeout(SOON, watch.next()).await.expect("it ends soon")?;
    }
}

each_database! {
    async fn a_watch_shows_the_balances_of_now_and_then_each_last_state(server: Server) {
        let client = server.wallet("ann", 100).await;
        let other = server.wallet("bob", 5).await;
        let mut watching = watch(&client, "ann");
        let first = next(&mut watching).await;
        let mut read = client.get_balance(v1::GetBalanceRequest::new("ann")).await.unwrap();
        read.read_time = first.read_time;
        assert_eq!(first, read, "the message of GetBalance");
        other.grant(gift("bob", "g", credits(1))).await.unwrap();
        // Many changes before the watcher looks: it sees the last one, not each of them.
        for n in 0..50 {
            client.grant(gift("ann", &format!("g{n}"), credits(1))).await.unwrap();
        }
        let last = until(&mut watching, 150).await;
        client.reserve(explicit("ann", "job", vec![credits(30)])).await.unwrap();
        let held = until(&mut watching, 120).await;
        assert_eq!((held.open_reservations, held.revision), (1, last.revision + 1));
    }

    async fn a_watch_of_a_missing_wallet_is_refused(server: Server) {
        let client = server.client().await;
        refused(watch(&client, "nobody").next().await, ErrorReason::WalletNotFound, Code::NotFound);
    }

    async fn a_watch_ends_with_its_server_and_resumes_at_another(server: Server) {
        let client = server.wallet("ann", 1).await.without_retries();
        let mut watching = watch(&client, "ann");
        until(&mut watching, 1).await;
        let database = server.database.clone();
        server.stop().await;
        end(&mut watching).await.unwrap_err();
        let server = Server::start(database).await;
        let client = server.client().await;
        client.grant(gift("ann", "g", credits(2))).await.unwrap();
        until(&mut watch(&client, "ann"), 3).await;
    }
}

async fn credentials_end_watches(database: Database) {
    let front = Front::new(database);
    let all = front.key("default", "all");
    let server = front.serve().await;
    let client = with_key(&server, &all).await;
    client.create_wallet(v1::CreateWalletRequest::new("ann")).await.unwrap();
    let wanted = v1::CreateWalletTokenRequest::new("ann", [Scope::Read]).with_ttl(Duration::from_secs(60));
    let brief = client.create_wallet_token(wanted.clone()).await.unwrap().token;
    let key = client.create_key(v1::CreateKeyRequest::new("k", [Scope::Read])).await.unwrap().secret;
    let maker = with_key(&server, &key).await;
    let token = maker.create_wallet_token(wanted.with_ttl(Duration::from_secs(3_600))).await.unwrap().token;
    let [mut brief, mut by_key, mut by_token] =
        [with_key(&server, &brief).await, maker, with_key(&server, &token).await]
            .map(|page| watch(&page, "ann"));
    for watching in [&mut brief, &mut by_key, &mut by_token] {
        next(watching).await;
    }
    client.advance_clock(v1::AdvanceClockRequest::by(Duration::from_secs(60))).await.unwrap();
    refused(end(&mut brief).await, ErrorReason::WalletTokenExpired, Code::Unauthenticated);
    client.top_up(v1::TopUpRequest::amount("ann", "t", credits(7))).await.unwrap();
    until(&mut by_token, 7).await;
    client.revoke_key(v1::RevokeKeyRequest::new(id_of(&key))).await.unwrap();
    for watching in [&mut by_key, &mut by_token] {
        refused(end(watching).await, ErrorReason::KeyInvalid, Code::Unauthenticated);
    }
    assert!(server.verify().await.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_with_its_key_or_its_token_on_sqlite() {
    credentials_end_watches(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_with_its_key_or_its_token_on_postgres() {
    credentials_end_watches(Database::postgres()).await;
}
