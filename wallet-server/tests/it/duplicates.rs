//! The same call 32 times at once, inside a batch, across batches and across servers: one effect and one answer. The
//! same id with other content is a mismatch that names the fields.

mod admin;
mod auto_top_ups;
mod catalog;
mod contents;
mod creations;
mod jobs;
mod money_back;
mod purchases;
mod subscriptions;

use std::fmt::Debug;

use tokio::task::JoinSet;
use wallet_client::v1::{self, EntryKind, ErrorReason};
use wallet_client::{ClientConfig, Error, WalletClient};
use wallet_server::EngineCounts;

use crate::harness::Server;

const DUPLICATES: usize = 32;
/// The most times that 33 calls are made.
const TIMES: usize = 20;
/// Entries of a wallet fresh from `Server::wallet`: one for its creation, one for the top-up.
const FRESH: i64 = 2;

/// Makes a call 32 times at once through two clients per server, then once more. Returns all 33 answers. The call gets
/// its number as an argument. Asserts that the engine of each server commits several of the calls together. Nothing
/// makes them arrive together, so the 33 calls are made again until it has.
async fn at_once<A, F>(servers: &[Server], call: impl Fn(WalletClient, usize) -> F) -> Vec<A>
where
    A: Send + 'static,
    F: Future<Output = Result<A, Error>> + Send + 'static,
{
    let before: Vec<_> = servers.iter().map(Server::counts).collect();
    let mut answers = Vec::new();
    for _ in 0..TIMES {
        answers.extend(all_at_once(servers, &call).await);
        let is_together = |(server, before): (&Server, &EngineCounts)| {
            let after = server.counts();
            after.batches - before.batches < after.commands - before.commands
        };
        if servers.iter().zip(&before).all(is_together) {
            return answers;
        }
    }
    let after: Vec<_> = servers.iter().map(Server::counts).collect();
    panic!("each command was a batch of its own: {before:?}, then {after:?}");
}

/// Like [`at_once`], without the assertion about the engine.
async fn all_at_once<A, F>(servers: &[Server], call: impl Fn(WalletClient, usize) -> F) -> Vec<A>
where
    A: Send + 'static,
    F: Future<Output = Result<A, Error>> + Send + 'static,
{
    // Per server a client whose calls travel together, and one whose calls travel alone.
    let mut clients = Vec::new();
    for coalesce in [true, false] {
        for server in servers {
            let config = ClientConfig::new(server.endpoint()).coalesce(coalesce);
            clients.push(config.connect().await.expect("the client connects"));
        }
    }
    let mut calls = JoinSet::new();
    for n in 0..DUPLICATES {
        calls.spawn(call(clients[n % clients.len()].clone(), n));
    }
    let mut answers = calls.join_all().await;
    answers.push(call(clients[0].clone(), DUPLICATES).await);
    answers.into_iter().map(|answer| answer.unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// Asserts that exactly one answer is fresh, that all others are replays and that all of them are equal.
fn one_effect<T: PartialEq + Debug>(answers: Vec<(T, bool)>) -> T {
    assert!(answers.len() > DUPLICATES);
    let fresh = answers.iter().filter(|(_, replayed)| !replayed).count();
    assert_eq!(fresh, 1, "{answers:?}");
    assert!(answers.last().is_some_and(|(_, replayed)| *replayed), "the last answer is not a replay");
    let mut shown = answers.into_iter().map(|(shown, _)| shown);
    let first = shown.next().unwrap();
    assert!(shown.all(|other| other == first), "answers differ from {first:?}");
    first
}

/// The kinds of the entries of the wallet `w` after this revision.
async fn entries_after(client: &WalletClient, after_revision: i64) -> Vec<EntryKind> {
    let request = v1::ListEntriesRequest { wallet_id: "w".into(), after_revision, ..Default::default() };
    client.list_entries(request).await.unwrap().entries.iter().map(v1::Entry::kind).collect()
}

/// The available credits of the wallet `w`.
async fn available(client: &WalletClient) -> i64 {
    let balance = client
        .get_balance(v1::GetBalanceRequest { wallet_id: "w".into(), ..Default::default() })
        .await
        .unwrap();
    balance.balances[0].available.as_ref().unwrap().amount
}

/// The fields that a mismatch names.
fn mismatch<A: Debug>(answer: Result<A, Error>) -> Vec<String> {
    let error = answer.unwrap_err();
    assert_eq!(error.reason(), Some(ErrorReason::IdempotencyMismatch), "{error}");
    error.refusal().unwrap().fields().to_vec()
}
