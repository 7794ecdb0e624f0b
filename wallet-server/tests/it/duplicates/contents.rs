//! Two contents under one id at once: one is executed, and the callers of the other all get a mismatch.

use tokio::task::JoinSet;
use wallet_client::v1;

use super::{DUPLICATES, FRESH, available, entries_after, mismatch};
use crate::harness::credits;

each_fleet! {
    async fn of_two_contents_under_one_id_one_is_done_and_the_other_is_a_mismatch(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 0).await;
        let mut clients = Vec::new();
        for server in &servers {
            clients.push(server.client().await);
        }
        let mut calls = JoinSet::new();
        for n in 0..DUPLICATES {
            let (client, content) = (clients[n / 2 % clients.len()].clone(), if n % 2 == 0 { 10 } else { 20 });
            calls.spawn(async move {
                (content, client.top_up(v1::TopUpRequest::amount("w", "order", credits(content))).await)
            });
        }
        let answers = calls.join_all().await;
        let won = available(&client).await;
        for (content, answer) in answers {
            if content == won {
                assert_eq!(answer.unwrap().grants[0].amount.as_ref().unwrap().amount, won);
            } else {
                assert_eq!(mismatch(answer), ["amount"]);
            }
        }
        assert_eq!(entries_after(&client, FRESH - 1).await.len(), 1);
        assert!(servers[0].verify().await.is_clean());
    }
}
