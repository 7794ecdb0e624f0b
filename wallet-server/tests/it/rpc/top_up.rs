//! TopUp: bought credits are issued once per purchase and once per payment.

use wallet_client::Code;
use wallet_client::v1::top_up_request::What;
use wallet_client::v1::{self, EntryKind, ErrorReason, Part, Source};

use crate::harness::credits;
use crate::shorthand::{
    POLICIES, balance, credits_of, entries, explicit, facts, kinds, later, mismatch, publish, refused,
    violations,
};

fn pack(top_up: &str, pack: &str) -> v1::TopUpRequest {
    v1::TopUpRequest {
        what: Some(What::PackId(pack.into())),
        ..v1::TopUpRequest::amount("w", top_up, credits(1))
    }
}

fn paid(request: v1::TopUpRequest, payment: &str) -> v1::TopUpRequest {
    let external_ref = Some(v1::ExternalRef { provider: "stripe".into(), id: payment.into() });
    let paid_amount = Some(v1::Money { currency: "EUR".into(), minor_units: 1_200 });
    v1::TopUpRequest { external_ref, paid_amount, ..request }
}

each_database! {
    async fn an_amount_is_credited_and_never_expires(server: Server) {
        let client = server.wallet("w", 0).await;
        let done = client.top_up(paid(v1::TopUpRequest::amount("w", "t", credits(250)), "pi_1")).await.unwrap();
        assert_eq!((done.replayed, done.revision, done.version), (false, 2, 2));
        let [grant] = done.grants.as_slice() else { panic!("{:?}", done.grants) };
        assert_eq!((grant.grant_id.as_str(), grant.source()), ("top_up:t", Source::Purchased));
        assert_eq!(grant.amount, Some(v1::Amount { display: "250".into(), ..credits(250) }));
        assert_eq!((grant.available, grant.open, grant.expire_time), (250, true, None));
        assert_eq!((grant.effective_time, grant.create_time), (done.decide_time, done.decide_time));
        let payment = grant.external_ref.as_ref().unwrap();
        assert_eq!((payment.provider.as_str(), payment.id.as_str()), ("stripe", "pi_1"));
        assert_eq!(grant.paid_amount.as_ref().unwrap().minor_units, 1_200);
        assert_eq!(done.balances[0].available.as_ref().unwrap().amount, 250);

        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!(entry.kind(), EntryKind::ToppedUp);
        let [posting] = entry.postings.as_slice() else { panic!("{:?}", entry.postings) };
        assert_eq!((posting.from(), posting.to(), posting.amount), (Part::Issued, Part::Available, 250));
    }

    async fn labels_stay_with_the_grants_and_do_not_make_another_purchase(server: Server) {
        let client = server.wallet("w", 0).await;
        let labels = std::collections::HashMap::from([("campaign".to_owned(), "spring".to_owned())]);
        let request = v1::TopUpRequest::amount("w", "t", credits(250));
        let done = client.top_up(v1::TopUpRequest { labels: labels.clone(), ..request.clone() }).await.unwrap();
        assert_eq!(done.grants[0].labels, labels);
        let again = client.top_up(request).await.unwrap();
        assert!(again.replayed && again.grants[0].labels == labels, "{again:?}");
        let grants = client.list_grants(v1::ListGrantsRequest { wallet_id: "w".into(), ..Default::default() });
        assert_eq!(grants.await.unwrap().grants[0].labels, labels);
        assert!(server.verify().await.is_clean());
    }

    async fn a_pack_issues_all_its_units_for_twelve_months_after_the_payment(server: Server) {
        let client = server.wallet("w", 0).await;
        client.subscribe(crate::subscriptions::subscribe("s", "creator")).await.unwrap();
        // The pack is valid for 12 months, so for 365 or 366 days, depending on today's date.
        let paid_time = later(balance(&client, "w").await.read_time, -86_400);
        let done = client.top_up(v1::TopUpRequest { paid_time, ..pack("t", "pro") }).await.unwrap();
        let grants: Vec<_> = done.grants.iter().map(|g| (g.grant_id.as_str(), g.available)).collect();
        assert_eq!(grants, [("top_up:t", 500), ("top_up:t#1", 1)]);
        for grant in &done.grants {
            assert_eq!((grant.pack_id.as_str(), grant.paid_time), ("pro", paid_time));
            let days = (grant.expire_time.unwrap().seconds - paid_time.unwrap().seconds) as f64 / 86_400.0;
            assert!(days == 365.0 || days == 366.0, "{days}");
        }
        assert_eq!(kinds(&client, "w").await.len(), 3, "one entry for both units");
    }

    async fn a_repeated_purchase_issues_nothing_more_even_after_it_was_spent(server: Server) {
        let client = server.wallet("w", 0).await;
        let first = client.top_up(pack("t", "creator")).await.unwrap();
        client.reserve(explicit("w", "j", vec![credits(200)])).await.unwrap();
        publish(&client, POLICIES).await;
        let again = client.top_up(pack("t", "creator")).await.unwrap();
        assert!(again.replayed && !first.replayed);
        assert_eq!((again.revision, credits_of(&client, "w").await), (3, (0, 200, 0)));
        let ids = |done: &v1::TopUpResponse| -> Vec<_> {
            done.grants.iter().map(|g| (g.grant_id.clone(), g.amount.clone(), g.expire_time)).collect()
        };
        assert_eq!(ids(&again), ids(&first));
        assert_eq!((again.grants[0].available, again.grants[0].held), (0, 200));
    }

    async fn one_payment_credits_once_under_two_ids(server: Server) {
        let client = server.wallet("w", 0).await;
        let first = client.top_up(paid(v1::TopUpRequest::amount("w", "a", credits(100)), "pi_1")).await.unwrap();
        let again = client.top_up(paid(v1::TopUpRequest::amount("w", "b", credits(100)), "pi_1")).await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.grants, first.grants);
        assert_eq!((first.top_up_id.as_str(), again.top_up_id.as_str()), ("a", "a"), "the first id is kept");
        let other = client.top_up(paid(v1::TopUpRequest::amount("w", "c", credits(90)), "pi_1")).await;
        assert_eq!(mismatch(other), ["amount"]);
        client.top_up(paid(v1::TopUpRequest::amount("w", "d", credits(100)), "pi_2")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (200, 0, 0));
    }

    async fn another_purchase_under_the_same_id_is_a_mismatch_that_names_the_fields(server: Server) {
        let client = server.wallet("w", 0).await;
        let bought = || paid(v1::TopUpRequest::amount("w", "t", credits(100)), "pi_1");
        client.top_up(bought()).await.unwrap();
        let cents = Some(v1::Money { currency: "EUR".into(), minor_units: 1_100 });
        for (request, fields) in [
            (v1::TopUpRequest { what: Some(What::Amount(credits(101))), ..bought() }, "amount"),
            (v1::TopUpRequest { what: Some(What::PackId("creator".into())), ..bought() }, "amount,pack_id"),
            (paid(bought(), "pi_2"), "external_ref"),
            (v1::TopUpRequest { paid_amount: cents, ..bought() }, "paid_amount"),
            (v1::TopUpRequest { paid_time: Some(Default::default()), ..bought() }, "paid_time"),
            (v1::TopUpRequest::amount("w", "t", v1::Amount::new("trainings", 100)), "amount,external_ref,paid_amount"),
        ] {
            let refusal =
                refused(client.top_up(request).await, ErrorReason::IdempotencyMismatch, Code::AlreadyExists);
            assert_eq!(facts(&refusal), format!("fields={fields} revision=2 version=2 wallet_id=w"));
        }
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
    }

    async fn s6_two_lines_of_a_payment_are_two_purchases(server: Server) {
        let client = server.wallet("w", 0).await;
        let line = |id: &str, of: &str, line: &str| paid(pack(id, of), "pi_1").with_line(line);
        client.top_up(line("a", "starter", "1").with_quantity(2)).await.unwrap();
        let second = client.top_up(line("b", "starter", "2")).await.unwrap();
        assert_eq!((second.replayed, second.grants[0].line.as_str()), (false, "2"));
        client.top_up(line("c", "creator", "3")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (350, 0, 0));
        let again = client.top_up(line("d", "starter", "2")).await.unwrap();
        assert_eq!((again.replayed, again.top_up_id.as_str()), (true, "b"));
        let other = client.top_up(line("a", "starter", "1").with_quantity(3)).await;
        assert_eq!(mismatch(other), ["quantity"]);

        let payment = v1::ExternalRef { provider: "stripe".into(), id: "pi_1".into() };
        let refund = client.refund_top_up(v1::RefundTopUpRequest::payment("w", "r", payment.clone())).await;
        let expected = "external_ref: this payment bought 3 purchases; name one by its top_up_id: a, b, c";
        assert_eq!(violations(refund), [expected]);
        let dispute = v1::RecordChargebackRequest::payment("w", "r", payment);
        assert_eq!(violations(client.record_chargeback(dispute).await), [expected]);
        client.record_chargeback(v1::RecordChargebackRequest::top_up("w", "r", "a")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (250, 0, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn s7_a_pack_is_sold_as_it_was_at_the_checkout(server: Server) {
        let client = server.wallet("w", 0).await;
        let later = "[units.credits]\n[units.trainings]\n[[packs]]\nid = \"creator\"\namounts = { credits = 1 }\n";
        let version = client.list_packs(v1::ListPacksRequest {}).await.unwrap().catalog_version;
        publish(&client, &format!("default_plan = \"free\"\n[[plans]]\nid = \"free\"\nterm = \"ONCE\"\n{later}")).await;
        let withdrawn = client.top_up(pack("a", "starter")).await;
        refused(withdrawn, ErrorReason::PackNotFound, Code::NotFound);
        client.top_up(pack("a", "starter").with_catalog_version(version)).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (50, 0, 0));
        client.top_up(pack("b", "creator").with_catalog_version(version)).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (250, 0, 0));
        client.top_up(pack("c", "creator")).await.unwrap();
        assert_eq!(credits_of(&client, "w").await, (251, 0, 0));
        let again = client.top_up(pack("b", "creator").with_catalog_version(version)).await.unwrap();
        assert!(again.replayed);
        let unknown = client.top_up(pack("d", "creator").with_catalog_version(99)).await;
        refused(unknown, ErrorReason::CatalogNotFound, Code::NotFound);
        assert!(server.verify().await.is_clean());
    }

    async fn debt_is_repaid_first_in_the_same_entry(server: Server) {
        let client = server.client().await;
        publish(&client, POLICIES).await;
        crate::rpc::settle::owe_twenty(&client, "w").await;
        let done = client.top_up(v1::TopUpRequest::amount("w", "t", credits(50))).await.unwrap();
        assert_eq!((done.grants[0].available, done.grants[0].consumed), (30, 20));
        assert_eq!((done.revision, credits_of(&client, "w").await), (5, (30, 0, 0)));
        assert!(server.verify().await.is_clean());
    }

    async fn invalid_purchases_are_refused(server: Server) {
        let client = server.wallet("w", 0).await;
        let refusal =
            refused(client.top_up(pack("t", "mega")).await, ErrorReason::PackNotFound, Code::NotFound);
        assert_eq!(facts(&refusal), "pack_id=mega revision=1 version=1 wallet_id=w");
        let nobody = client.top_up(v1::TopUpRequest::amount("nobody", "t", credits(1))).await;
        refused(nobody, ErrorReason::WalletNotFound, Code::NotFound);
        let future = later(balance(&client, "w").await.read_time, 3_600);
        let early =
            violations(client.top_up(v1::TopUpRequest { paid_time: future, ..pack("t", "creator") }).await);
        assert!(early[0].starts_with("paid_time: must not be after now"), "{early:?}");
        let stale = Some(prost_types::Timestamp { seconds: 1_000_000_000, nanos: 0 });
        let stale =
            violations(client.top_up(v1::TopUpRequest { paid_time: stale, ..pack("t", "creator") }).await);
        assert_eq!(stale, ["paid_time: the pack expired at 2002-09-09T01:46:40Z"]);
        assert_eq!(balance(&client, "w").await.revision, 1);
    }
}
