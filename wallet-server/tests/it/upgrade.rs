//! An older release on the schema of a newer one, as after a rollback or in the middle of an upgrade.

use wallet_client::v1;
use wallet_server::{App, Config};

use crate::harness::{Server, credits, video};
use crate::shorthand::settle;

/// The tables whose rows commands insert or update.
pub(crate) const WRITTEN: [&str; 8] =
    ["wallets", "wallet_profiles", "grants", "reservations", "holds", "entries", "events", "feed_outbox"];

each_database! {
    async fn a_release_serves_from_the_schema_of_a_newer_one_until_that_removes_something(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "job", video("5"))).await.unwrap();
        let database = server.database.clone();
        server.stop().await;
        for table in WRITTEN {
            database.execute(&format!("ALTER TABLE {table} ADD COLUMN colour bigint NOT NULL DEFAULT 7")).await;
        }
        database.execute("CREATE TABLE colours (colour bigint PRIMARY KEY)").await;
        database.execute("INSERT INTO seaql_migrations VALUES ('m9998_colours', 0)").await;

        let server = Server::start(database.clone()).await;
        let client = server.client().await;
        let usage = v1::Succeeded::usage([("duration_s", "4")]);
        let settled = client.settle(settle("w", "job", usage)).await.unwrap();
        let charged = settled.reservation.unwrap().charged[0].amount;
        client.top_up(v1::TopUpRequest::amount("w", "second", credits(10))).await.unwrap();
        client.reserve(v1::ReserveRequest::new("w", "job-2", video("5"))).await.unwrap();
        let balance = client.get_balance(v1::GetBalanceRequest::new("w")).await.unwrap();
        let of = |amount: &Option<v1::Amount>| amount.as_ref().map_or(0, |amount| amount.amount);
        let unit = &balance.balances[0];
        assert_eq!(of(&unit.available) + of(&unit.held), 110 - charged, "{balance:?}");
        server.stop().await;

        for table in WRITTEN {
            database.execute(&format!("ALTER TABLE {table} DROP COLUMN colour")).await;
        }
        database.execute("DROP TABLE colours").await;
        let later = "UPDATE seaql_migrations SET version = 'm9999_old_text_after_m9998' WHERE version = 'm9998_colours'";
        database.execute(later).await;
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            database_url: database.url.clone(),
            ..Config::default()
        };
        let refused = App::build(config).await.err().expect("the server does not start");
        let text = format!("{refused:?}");
        assert!(text.contains("too old") && text.contains("m9999_old_text_after_m9998"), "{text}");
        database.execute("DELETE FROM seaql_migrations WHERE version LIKE 'm9999%'").await;
        assert!(Server::start(database).await.verify().await.is_clean());
    }
}
