//! Callers that go away: each of the seven commands is dropped at every await of its caller, which resets the stream
//! and drops the handler. The command is executed once or not at all; after a retry it is executed exactly once.

use std::pin::pin;
use std::task::Poll;

use wallet_workload::figure;

use crate::harness::Server;
use crate::sample_commands::{self, SampleCommand};
use crate::shorthand::kinds;

/// The number of walks through all awaits. Their places depend on timing, so one walk is not enough.
const ROUNDS: usize = 4;

each_database! {
    async fn a_command_whose_caller_goes_away_at_any_await_happens_once(server: Server) {
        let client = server.client().await;
        sample_commands::make_models(&client, &sample_commands::ALL).await;
        let mut dropped = 0;
        for seven in sample_commands::ALL {
            let once = kinds(&client, &seven.model()).await;
            for round in 0..ROUNDS {
                dropped += drop_everywhere(&server, seven, round, &once).await;
            }
        }
        figure("callers", &[&server.database.name(), &dropped]);
        assert!(dropped >= 7 * ROUNDS * 2, "only {dropped} calls were dropped on their way");
        let report = server.verify().await;
        assert!(report.is_clean(), "{report}");
    }
}

/// Drops the call after one poll, after two, and so on until it is answered. Returns how often it was dropped.
async fn drop_everywhere(
    server: &Server,
    seven: SampleCommand,
    round: usize,
    once: &[wallet_client::v1::EntryKind],
) -> usize {
    for polls in 0.. {
        let client = server.client().await;
        let wallet = format!("{seven:?}-{round}-{polls}");
        seven.prepare(&client, &wallet).await;
        let answered = polled(polls, seven.send(&client, &wallet)).await;
        let again = seven.send(&client, &wallet).await.expect("the retry succeeds");
        assert_eq!(kinds(&client, &wallet).await, once, "{wallet}");
        if let Some(answer) = answered {
            assert!(!answer.expect("the call succeeds"), "{wallet}");
            assert_eq!(again, seven.tells_replays(), "{wallet}");
            return polls;
        }
    }
    unreachable!("every call is answered")
}

/// The output of a future, or `None` if it is not ready after `polls` polls; it is then dropped.
async fn polled<F: Future>(mut polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(None);
        }
        polls -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
