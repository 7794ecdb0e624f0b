//! Messages above the size limits, and refusals with more violations than fit into one answer.

use std::collections::HashMap;

use wallet_client::v1::{self, ErrorReason};
use wallet_client::{Code, Error};

use wallet_server::{Config, Limits};

use super::{amount, long};
use crate::harness::{Database, Server, video};
use crate::shorthand::{explicit, refused, violations};

/// The limit that the refusal of an oversized message names.
fn limit<A: std::fmt::Debug>(answer: Result<A, Error>) -> String {
    refused(answer, ErrorReason::MessageTooLarge, Code::InvalidArgument).metadata["limit"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_other_limits_takes_and_names_them() {
    let limits =
        Limits { message_bytes: 256 * 1_024, catalog_message_bytes: 320 * 1_024, ..Limits::default() };
    let server = Server::start_with(Database::sqlite(), Config { limits, ..Config::default() }).await;
    let client = server.wallet("w", 100).await;
    let named = |bytes| v1::CreateWalletRequest { display_name: long(bytes), ..Default::default() };
    let read = violations(client.create_wallet(named(200 * 1_024)).await);
    assert!(read.iter().any(|violation| violation.starts_with("display_name: ")), "{read:?}");
    assert_eq!(limit(client.create_wallet(named(257 * 1_024)).await), "262144");
    let document = |bytes| v1::PublishCatalogRequest {
        toml: "#".repeat(bytes),
        validate_only: true,
        ..Default::default()
    };
    refused(
        client.publish_catalog(document(256 * 1_024)).await,
        ErrorReason::CatalogInvalid,
        Code::FailedPrecondition,
    );
    assert_eq!(limit(client.publish_catalog(document(321 * 1_024)).await), "327680");
}

each_database! {
    async fn a_message_above_64_kib_is_not_read_and_the_connection_survives(server: Server) {
        let client = server.wallet("w", 100).await;
        let huge = v1::ReserveRequest::new("w", "j", video("1")).with_actor(long(65 * 1_024));
        assert_eq!(limit(client.reserve(huge).await), "65536");
        let huge = v1::CreateWalletRequest { display_name: long(65 * 1_024), ..Default::default() };
        assert_eq!(limit(client.create_wallet(huge).await), "65536");
        client.reserve(v1::ReserveRequest::new("w", "j", video("1"))).await.unwrap();
    }

    async fn a_catalog_above_256_kib_is_refused_and_above_512_not_read(server: Server) {
        let client = server.client().await;
        let document = |bytes| v1::PublishCatalogRequest { toml: "#".repeat(bytes), validate_only: true, ..Default::default() };
        let found = violations(client.publish_catalog(document(256 * 1_024 + 1)).await);
        assert_eq!(found, ["toml: has 262145 bytes, at most 262144 are allowed"]);
        assert_eq!(limit(client.publish_catalog(document(513 * 1_024)).await), "524288");
        let found = client.publish_catalog(document(256 * 1_024)).await;
        refused(found, ErrorReason::CatalogInvalid, Code::FailedPrecondition);
    }

    async fn of_many_bad_fields_the_first_are_named_and_the_others_counted(server: Server) {
        let client = server.client().await;
        let bad = |amounts| explicit("w", "j", vec![amount("a b", -1); amounts]);
        let found = violations(client.reserve(bad(64)).await);
        assert!(found[0].starts_with("explicit.amounts[0].unit: contains ' '"), "{found:?}");
        let expected = format!(": and {} more", 2 * 64 - (found.len() - 1));
        assert!(found.len() > 10 && found.last() == Some(&expected), "{found:?}");
        let found = violations(client.reserve(bad(65)).await);
        assert_eq!(found, ["explicit.amounts: has 65 entries, at most 64 are allowed"]);
    }

    async fn a_refusal_repeats_only_the_beginning_of_a_long_name(server: Server) {
        let client = server.client().await;
        let labels = HashMap::from([(long(50_000), String::new())]);
        let request = v1::ReserveRequest { labels, ..v1::ReserveRequest::new("w", "j", video("1")) };
        let found = violations(client.reserve(request).await);
        assert_eq!(found, [format!("labels[\"{}\"]: has 50000 bytes, at most 64 are allowed", long(64))]);
        let many = (0..32).fold(v1::Operation::new("video.generate"), |operation, n| {
            operation.attribute(format!("{n:0>128}"), long(256))
        });
        server.wallet("w", 0).await;
        let refusal = client.reserve(v1::ReserveRequest::new("w", "j", many)).await;
        let refusal = refused(refusal, ErrorReason::NoPriceRule, Code::InvalidArgument);
        assert!(refusal.metadata["unknown"].len() <= 512 && refusal.message.len() <= 512);
    }
}
