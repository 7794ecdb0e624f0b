//! PublishCatalog: a valid catalog becomes current; an invalid one changes nothing.

use wallet_client::v1::{self, ErrorReason};
use wallet_client::{Code, WalletClient};
use wallet_server::BUNDLED_CATALOG;

use crate::harness::credits;
use crate::shorthand::{POLICIES, publish, refused};
use crate::subscriptions::{PLANS, change, shop, subscribe, subscription};

async fn current(client: &WalletClient) -> v1::Catalog {
    client.get_catalog(v1::GetCatalogRequest::default()).await.unwrap().catalog.unwrap()
}

fn check(toml: &str) -> v1::PublishCatalogRequest {
    v1::PublishCatalogRequest { toml: toml.into(), validate_only: true, ..Default::default() }
}

each_database! {
    async fn a_document_becomes_the_next_version_and_the_same_again_changes_nothing(server: Server) {
        let client = server.client().await;
        let published = publish(&client, POLICIES).await;
        assert!(!published.unchanged);
        let catalog = published.catalog.unwrap();
        assert_eq!((catalog.version, catalog.toml.as_str()), (2, POLICIES));
        assert_eq!(current(&client).await, catalog);

        let again = publish(&client, POLICIES).await;
        assert!(again.unchanged);
        assert_eq!(again.catalog, Some(catalog));
        // The published catalog has a unit that the bundled one lacks, so the bundled one cannot replace it.
        let back = v1::PublishCatalogRequest { toml: BUNDLED_CATALOG.into(), expected_version: 2, ..Default::default() };
        refused(client.publish_catalog(back).await, ErrorReason::CatalogInvalid, Code::FailedPrecondition);
    }

    async fn a_publication_that_is_sent_again_does_not_undo_a_newer_one(server: Server) {
        let client = server.client().await;
        let newer = format!("# newer\n{POLICIES}");
        let publication = |toml: &str, expected_version| v1::PublishCatalogRequest {
            toml: toml.into(),
            expected_version,
            ..Default::default()
        };
        client.publish_catalog(publication(POLICIES, 1)).await.unwrap();
        let again = client.publish_catalog(publication(POLICIES, 1)).await.unwrap();
        assert!(again.unchanged, "it was executed before, so the expected version does not matter");
        client.publish_catalog(publication(&newer, 2)).await.unwrap();

        for (expected, shown) in [(0, "published_version"), (1, "expected_version")] {
            let late = client.publish_catalog(publication(POLICIES, expected)).await;
            let refusal = refused(late, ErrorReason::CatalogSuperseded, Code::Aborted);
            assert_eq!(refusal.metadata["current_version"], "3");
            assert_eq!(refusal.metadata[shown], if expected == 0 { "2" } else { "1" });
        }
        let stale = client.publish_catalog(publication(&format!("# other\n{POLICIES}"), 2)).await;
        refused(stale, ErrorReason::CatalogSuperseded, Code::Aborted);
        assert_eq!(current(&client).await.toml, newer);

        let back = client.publish_catalog(publication(POLICIES, 3)).await.unwrap();
        assert_eq!(back.catalog.map(|catalog| catalog.version), Some(4), "an explicit expected version allows going back");
    }

    async fn a_check_reports_the_outcome_and_changes_nothing(server: Server) {
        let client = server.client().await;
        let checked = client.publish_catalog(check(POLICIES)).await.unwrap();
        assert!(!checked.unchanged);
        let catalog = checked.catalog.unwrap();
        assert_eq!((catalog.version, catalog.publish_time, catalog.units.len()), (0, None, 3));
        assert!(client.publish_catalog(check(BUNDLED_CATALOG)).await.unwrap().unchanged);
        assert_eq!(current(&client).await.version, 1);
    }

    async fn a_plan_that_is_in_use_or_will_be_cannot_be_removed(server: Server) {
        let client = shop(&server).await;
        let without = |plan: &str| PLANS.replace(&format!("\"{plan}\""), "\"renamed\"");
        client.subscribe(subscribe("s", "pro")).await.unwrap();
        client.change_plan(change("c", "creator")).await.unwrap();
        for plan in ["pro", "creator"] {
            let refusal = client.publish_catalog(check(&without(plan))).await;
            let refusal = refused(refusal, ErrorReason::CatalogInvalid, Code::FailedPrecondition);
            assert_eq!(refusal.violations.len(), 1, "{}", refusal.message);
            assert!(refusal.message.contains("has subscribers and must not be removed"), "{}", refusal.message);
        }
        client.publish_catalog(check(&without("nothing"))).await.unwrap();
    }

    async fn a_plan_with_other_terms_is_listed_with_its_subscribers(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("s", "pro")).await.unwrap();
        let other = PLANS.replace("amount = 100 }, {", "amount = 120 }, {");
        let follow = other.replacen("id = \"pro\"", "id = \"pro\"\nexisting = \"FOLLOW\"", 1);
        let pro = |existing: v1::ExistingTerms| {
            v1::ChangedPlan { plan_id: "pro".into(), subscribers: 1, existing: existing.into() }
        };
        let kept = client.publish_catalog(check(&other)).await.unwrap();
        assert_eq!(kept.changed_plans, [pro(v1::ExistingTerms::Keep)]);
        let unsold = PLANS.replace("amount = 30", "amount = 31");
        assert_eq!(client.publish_catalog(check(&unsold)).await.unwrap().changed_plans, []);

        let request = v1::PublishCatalogRequest { toml: follow, ..Default::default() };
        assert_eq!(client.publish_catalog(request).await.unwrap().changed_plans, [pro(v1::ExistingTerms::Follow)]);
        client.top_up(v1::TopUpRequest::amount("w", "t", credits(1))).await.unwrap();
        assert_eq!(subscription(&client).await.allowances[0].amount.as_ref().unwrap().amount, 100);
        assert!(server.verify().await.is_clean());
    }

    async fn an_invalid_document_is_refused_with_every_problem_and_changes_nothing(server: Server) {
        let client = server.client().await;
        let bad = "default_plan = \"gone\"\n[units.credits]\nscale = 7\n\
                   [[packs]]\nid = \"p\"\namounts = { gems = 1 }\n";
        for validate_only in [true, false] {
            let request = v1::PublishCatalogRequest { toml: bad.into(), validate_only, ..Default::default() };
            let refusal = client.publish_catalog(request).await;
            let refusal = refused(refusal, ErrorReason::CatalogInvalid, Code::FailedPrecondition);
            let fields: Vec<_> = refusal.violations.iter().map(|v| v.field.as_str()).collect();
            assert_eq!(fields, ["units.credits.scale", "packs[0].amounts.gems", "default_plan"]);
        }
        let broken = client.publish_catalog(check("[units.credits]\nscale = = 2")).await;
        let refusal = refused(broken, ErrorReason::CatalogInvalid, Code::FailedPrecondition);
        assert_eq!(refusal.violations.len(), 1);
        assert!(refusal.message.contains("line 2, column 9"), "{}", refusal.message);
        assert_eq!(current(&client).await.toml, BUNDLED_CATALOG);
    }

    async fn a_golden_case_that_disagrees_is_a_problem_of_the_document(server: Server) {
        let client = server.client().await;
        let wrong = format!(
            "{POLICIES}\n[[golden]]\nkind = \"cap\"\nquantities = {{ n = 5 }}\nexpect = {{ credits = 6 }}\n"
        );
        let refusal = client.publish_catalog(check(&wrong)).await;
        let refusal = refused(refusal, ErrorReason::CatalogInvalid, Code::FailedPrecondition);
        assert_eq!(refusal.violations.len(), 1);
        assert!(refusal.violations[0].field.starts_with("golden[0]"), "{refusal}");
    }

    async fn units_that_wallets_may_hold_stay_as_they_are(server: Server) {
        let client = server.client().await;
        let other = "[units.credits]\nscale = 2\n";
        let refusal =
            client.publish_catalog(v1::PublishCatalogRequest { toml: other.into(), ..Default::default() });
        let refusal = refused(refusal.await, ErrorReason::CatalogInvalid, Code::FailedPrecondition);
        let shown: Vec<_> =
            refusal.violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect();
        let expected = [
            "units.credits: must keep the published scale 0, is 2",
            "units.trainings: is in use and must not be removed",
        ];
        assert_eq!(shown, expected);
    }
}
