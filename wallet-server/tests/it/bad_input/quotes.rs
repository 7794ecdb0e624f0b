//! Invalid quotes: altered, issued for another wallet or by another server, invented, or expired.

use wallet_client::v1::reserve_request::Price;
use wallet_client::v1::{self, ErrorReason};
use wallet_client::{Code, WalletClient};

use super::{long, unchanged};
use crate::harness::{Database, Server, video};
use crate::shorthand::refused;

async fn quote(client: &WalletClient, wallet: &str) -> String {
    let request =
        v1::EstimateRequest { wallet_id: wallet.into(), operation: Some(video("5")), ..Default::default() };
    client.estimate(request).await.unwrap().quote_token
}

fn quoted(wallet: &str, token: &str) -> v1::ReserveRequest {
    v1::ReserveRequest {
        price: Some(Price::QuoteToken(token.into())),
        ..v1::ReserveRequest::new(wallet, "j", video("1"))
    }
}

each_database! {
    async fn an_altered_or_invented_token_is_refused(server: Server) {
        let client = server.wallet("w", 100).await;
        let token = quote(&client, "w").await;
        let other = if token.as_bytes()[10] == b'A' { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..10], &token[11..]);
        let made_up = ["", "quote", "q1.e30.e30", &token[..token.len() - 2], &changed, &long(60_000)];
        for token in made_up {
            let refusal = refused(
                client.reserve(quoted("w", token)).await,
                ErrorReason::QuoteInvalid,
                Code::InvalidArgument,
            );
            assert_eq!(refusal.metadata["wallet_id"], "w");
        }
        unchanged(&client, "w", 2).await;
        client.reserve(quoted("w", &token)).await.unwrap();
    }

    async fn a_token_of_another_wallet_or_another_server_is_refused(server: Server) {
        let client = server.wallet("w", 100).await;
        server.wallet("v", 100).await;
        let of_v = quote(&client, "v").await;
        let elsewhere = Server::start(Database::sqlite()).await;
        let foreign = quote(&elsewhere.wallet("w", 100).await, "w").await;
        for token in [of_v, foreign] {
            refused(
                client.reserve(quoted("w", &token)).await,
                ErrorReason::QuoteInvalid,
                Code::InvalidArgument,
            );
        }
    }

    async fn bad_fields_are_named_before_a_bad_quote(server: Server) {
        let client = server.client().await;
        let bad = v1::ReserveRequest { reservation_id: String::new(), ..quoted("w", "forged") };
        assert_eq!(
            crate::shorthand::violations(client.reserve(bad).await),
            ["reservation_id: must not be empty"]
        );
    }

    async fn a_quote_survives_a_restart(server: Server) {
        let token = quote(&server.wallet("w", 100).await, "w").await;
        let database = server.database.clone();
        server.stop().await;
        let server = Server::start(database).await;
        let done = server.client().await.reserve(quoted("w", &token)).await.unwrap();
        assert_eq!(done.reservation.unwrap().operation, Some(video("5")));
    }
}
