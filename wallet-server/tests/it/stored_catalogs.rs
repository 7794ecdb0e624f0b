//! Catalogs as they are stored: an altered text prices nothing, a text that later checks refuse prices as before, and a
//! starting server does not replace a newer catalog.

use sea_orm::ConnectionTrait;
use wallet_client::v1::{self, ErrorReason};
use wallet_client::{Code, WalletClient};
use wallet_core::catalog::Catalog;
use wallet_server::{BUNDLED_CATALOG, Config};

use crate::harness::{Database, Server, credits, video};
use crate::shorthand::{POLICIES, publish, refused, settle};

/// Executes SQL directly on the database, as no server does.
async fn tamper(database: &Database, sql: &str) {
    let connection = database.connect().await;
    let done = connection.execute_unprepared(sql).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{sql}");
    connection.close().await.unwrap();
}

async fn current(client: &WalletClient) -> i64 {
    client.get_catalog(v1::GetCatalogRequest::default()).await.unwrap().catalog.unwrap().version
}

async fn started_with(database: &Database, catalog: &str) -> Server {
    let config = Config { catalog: Some(catalog.to_owned()), ..Config::default() };
    Server::start_with(database.clone(), config).await
}

each_database! {
    async fn an_altered_catalog_prices_nothing_and_everything_else_works(server: Server) {
        let client = server.wallet("w", 200).await;
        for id in ["a", "b", "c", "d"] {
            client.reserve(v1::ReserveRequest::new("w", id, video("5"))).await.unwrap();
        }
        publish(&client, POLICIES).await;
        let database = server.database.clone();
        server.stop().await;
        // The altered text is a catalog too, so that only its digest differs.
        let price = "UPDATE catalogs SET toml = replace(toml, 'rate = 8', 'rate = 7777') WHERE version = 1";
        tamper(&database, price).await;
        let altered = BUNDLED_CATALOG.replace("rate = 8", "rate = 7777");
        assert!(altered != BUNDLED_CATALOG && Catalog::read_published(&altered).is_ok());
        let server = Server::start(database.clone()).await;
        let client = server.client().await;

        let refusal = client.settle(settle("w", "a", v1::Succeeded::usage([("duration_s", "5")]))).await;
        let refusal = refused(refusal, ErrorReason::CatalogUnusable, Code::FailedPrecondition);
        assert_eq!(refusal.metadata["catalog_version"], "1");
        assert!(refusal.message.contains(&refusal.metadata["digest"]), "{}", refusal.message);
        let shown = client.get_catalog(v1::GetCatalogRequest { version: 1 }).await;
        refused(shown, ErrorReason::CatalogUnusable, Code::FailedPrecondition);

        let as_reserved = v1::Succeeded { cost: Some(v1::succeeded::Cost::AsReserved(v1::AsReserved {})) };
        for (id, succeeded) in [("b", as_reserved), ("c", v1::Succeeded { cost: Some(v1::succeeded::Cost::Amounts(v1::ActualAmounts { amounts: vec![credits(8)] })) })] {
            client.settle(settle("w", id, succeeded)).await.unwrap();
        }
        client.cancel(crate::shorthand::cancel("w", "d", v1::CancelReason::Platform)).await.unwrap();

        let price = "UPDATE catalogs SET toml = replace(toml, 'rate = 7777', 'rate = 8') WHERE version = 1";
        tamper(&database, price).await;
        let settled = client.settle(settle("w", "a", v1::Succeeded::usage([("duration_s", "5")]))).await;
        let shown = settled.map(|done| done.reservation.unwrap().charged[0].amount);
        assert_eq!(shown.ok(), Some(40), "a restored text prices again without a restart");
    }

    async fn a_catalog_that_later_checks_refuse_still_prices(server: Server) {
        let client = server.wallet("w", 200).await;
        client.reserve(v1::ReserveRequest::new("w", "a", video("5"))).await.unwrap();
        let database = server.database.clone();
        server.stop().await;
        // As if an earlier program had published a limit that this one refuses.
        let plan = "[[plans]]\nid = \"odd\"\nrank = 90\nterm = \"MONTH\"\nlimits = { concurency = 1 }\n";
        let earlier = format!("{BUNDLED_CATALOG}\n{plan}");
        assert!(Catalog::parse(&earlier).is_err() && Catalog::read_published(&earlier).is_ok());
        let digest = hex::encode(Catalog::digest_of(&earlier));
        let digest = if database.name() == "SQLite" { format!("X'{digest}'") } else { format!("'\\x{digest}'") };
        let text = earlier.replace('\'', "''");
        tamper(&database, &format!("UPDATE catalogs SET toml = '{text}', digest = {digest} WHERE version = 1")).await;

        let server = Server::start(database.clone()).await;
        let client = server.client().await;
        let settled = client.settle(settle("w", "a", v1::Succeeded::usage([("duration_s", "5")]))).await;
        assert_eq!(settled.map(|done| done.reservation.unwrap().charged[0].amount).ok(), Some(40));
        client.reserve(v1::ReserveRequest::new("w", "b", video("5"))).await.unwrap();
    }

    async fn a_start_does_not_replace_a_newer_catalog(server: Server) {
        let database = server.database.clone();
        server.stop().await;
        let server = started_with(&database, POLICIES).await;
        let client = server.client().await;
        assert_eq!(current(&client).await, 2);
        publish(&client, &format!("# newer\n{POLICIES}")).await;
        server.stop().await;
        for given in [POLICIES, BUNDLED_CATALOG] {
            let server = started_with(&database, given).await;
            assert_eq!(current(&server.client().await).await, 3, "an earlier catalog is not published again");
            server.stop().await;
        }
        let server = started_with(&database, &format!("# newest\n{POLICIES}")).await;
        assert_eq!(current(&server.client().await).await, 4);
    }
}
