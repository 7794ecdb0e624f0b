//! GetBalance: the balance by source, and the credits that expire next.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason, Source};

use crate::harness::{credits, video};
use crate::shorthand::{balance, explicit, figures, gift, later, refused, settle};

/// Source, available and held, in the order of the answer.
fn by_source(balance: &v1::Balance) -> Vec<(Source, i64, i64)> {
    let figure = |amount: &Option<v1::Amount>| amount.as_ref().unwrap().amount;
    balance
        .by_source
        .iter()
        .map(|part| (part.source(), figure(&part.available), figure(&part.held)))
        .collect()
}

each_database! {
    async fn a_new_wallet_has_nothing(server: Server) {
        let client = server.wallet("w", 0).await;
        let empty = balance(&client, "w").await;
        assert_eq!((empty.balances.len(), empty.open_reservations), (0, 0));
        assert_eq!((empty.revision, empty.version), (1, 1));
        assert_eq!(empty.next_renewal_time, None);
    }

    async fn every_unit_is_shown_by_source_in_spending_order(server: Server) {
        let client = server.wallet("w", 100).await;
        client.top_up(v1::TopUpRequest::amount("w", "t", v1::Amount::new("trainings", 2))).await.unwrap();
        let give = |id: &str, source: Source| v1::GrantRequest {
            source: source.into(),
            ..gift("w", id, credits(10))
        };
        for (id, source) in [("a", Source::Promotional), ("b", Source::Free), ("c", Source::Subscription)] {
            client.grant(give(id, source)).await.unwrap();
        }
        client.reserve(explicit("w", "j", vec![credits(25)])).await.unwrap();
        let shown = balance(&client, "w").await;
        assert_eq!((shown.revision, shown.version, shown.open_reservations), (7, 7, 1));
        let [in_credits, trainings] = shown.balances.as_slice() else { panic!("{:?}", shown.balances) };
        let all = [&in_credits.available, &in_credits.held, &in_credits.debt, &in_credits.debt_limit];
        let all: Vec<_> = all.into_iter().flatten().cloned().collect();
        assert_eq!(figures(&all), "105 credits, 25 credits, 0 credits, 0 credits");
        let expected = [
            (Source::Subscription, 0, 10),
            (Source::Free, 0, 10),
            (Source::Purchased, 95, 5),
            (Source::Promotional, 10, 0),
        ];
        assert_eq!(by_source(in_credits), expected);
        assert_eq!(by_source(trainings), [(Source::Purchased, 2, 0)]);
    }

    async fn the_next_expiring_credits_are_shown_with_their_instant(server: Server) {
        let client = server.wallet("w", 100).await;
        let now = balance(&client, "w").await.read_time;
        for (id, hours) in [("a", 2), ("b", 1), ("c", 1)] {
            let expire_time = later(now, hours * 3_600);
            client.grant(v1::GrantRequest { expire_time, ..gift("w", id, credits(10)) }).await.unwrap();
        }
        client.reserve(explicit("w", "j", vec![credits(4)])).await.unwrap();
        let shown = balance(&client, "w").await.balances.remove(0);
        assert_eq!(shown.next_expire_time, later(now, 3_600));
        assert_eq!(shown.next_expire_amount.unwrap().amount, 16, "held credits do not expire");
    }

    async fn expiries_are_listed_soonest_first_without_held_or_permanent_credits(server: Server) {
        let client = server.wallet("w", 100).await;
        assert_eq!(balance(&client, "w").await.expiries, [], "purchased credits do not expire");
        let now = balance(&client, "w").await.read_time;
        let expiring = |id: &str, amount, seconds| v1::GrantRequest {
            expire_time: later(now, seconds),
            ..gift("w", id, amount)
        };
        for (n, (seconds, given)) in [(7_200, 5), (3_600, 10), (7_200, 20)].into_iter().enumerate() {
            client.grant(expiring(&format!("g{n}"), credits(given), seconds)).await.unwrap();
        }
        client.grant(expiring("t", v1::Amount::new("trainings", 2), 60)).await.unwrap();
        client.reserve(explicit("w", "j", vec![credits(4)])).await.unwrap();
        let shown = balance(&client, "w").await.expiries;
        let expiry = |seconds, shown: v1::Amount| v1::Expiry {
            expire_time: later(now, seconds),
            amount: Some(v1::Amount { display: shown.amount.to_string(), ..shown }),
        };
        let unit = |unit: &str, expiries| v1::UnitExpiries { unit: unit.into(), expiries, more: false };
        let expected = [
            unit("credits", vec![expiry(3_600, credits(6)), expiry(7_200, credits(25))]),
            unit("trainings", vec![expiry(60, v1::Amount::new("trainings", 2))]),
        ];
        assert_eq!(shown, expected);
    }

    async fn of_many_expiries_the_first_hundred_are_listed_and_marked_as_incomplete(server: Server) {
        let client = server.wallet("w", 0).await;
        let now = balance(&client, "w").await.read_time;
        for n in (0..101).rev() {
            let expire_time = later(now, 3_600 + n);
            let gift = gift("w", &format!("g{n}"), credits(n + 1));
            client.grant(v1::GrantRequest { expire_time, ..gift }).await.unwrap();
            let [shown] = &balance(&client, "w").await.expiries[..] else { panic!("one unit") };
            assert_eq!((shown.expiries.len() as i64, shown.more), ((101 - n).min(100), n == 0));
        }
        let [shown] = &balance(&client, "w").await.expiries[..] else { panic!("one unit") };
        let last = shown.expiries.last().unwrap();
        assert_eq!((last.expire_time, last.amount.as_ref().unwrap().amount), (later(now, 3_699), 100));
    }

    async fn open_grants_are_listed_on_request_in_spending_order(server: Server) {
        let client = server.wallet("w", 100).await;
        let free = v1::GrantRequest { source: Source::Free.into(), ..gift("w", "free", credits(10)) };
        client.grant(free).await.unwrap();
        client.grant(gift("w", "spent", credits(3))).await.unwrap();
        client.reserve(explicit("w", "a", vec![credits(13)])).await.unwrap();
        client.settle(settle("w", "a", v1::Succeeded::default())).await.unwrap();
        client.reserve(explicit("w", "b", vec![credits(7)])).await.unwrap();
        assert_eq!(balance(&client, "w").await.grants, []);
        let ask = v1::GetBalanceRequest { wallet_id: "w".into(), include_grants: true };
        let shown = client.get_balance(ask).await.unwrap().grants;
        let open = v1::ListGrantsRequest { wallet_id: "w".into(), ..Default::default() };
        assert_eq!(shown, client.list_grants(open).await.unwrap().grants);
        let parts: Vec<_> =
            shown.iter().map(|g| (g.grant_id.as_str(), g.available, g.held, g.consumed)).collect();
        assert_eq!(parts, [("top_up:first", 93, 7, 0)]);
    }

    async fn amounts_have_a_display_form_with_decimals(server: Server) {
        let client = server.wallet("w", 0).await;
        crate::shorthand::publish(&client, crate::shorthand::POLICIES).await;
        client.top_up(v1::TopUpRequest::amount("w", "t", v1::Amount::new("money", 1_250))).await.unwrap();
        let shown = balance(&client, "w").await.balances.remove(0);
        assert_eq!(
            shown.available,
            Some(v1::Amount { unit: "money".into(), amount: 1_250, display: "12.50".into() })
        );
    }

    async fn reading_writes_nothing_and_a_missing_wallet_is_not_found(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        let (first, again) = (balance(&client, "w").await, balance(&client, "w").await);
        assert_eq!((&first.balances, first.version), (&again.balances, again.version));
        let nobody = client.get_balance(v1::GetBalanceRequest { wallet_id: "nobody".into(), ..Default::default() }).await;
        let refusal = refused(nobody, ErrorReason::WalletNotFound, Code::NotFound);
        assert_eq!(refusal.metadata["wallet_id"], "nobody");
    }
}
