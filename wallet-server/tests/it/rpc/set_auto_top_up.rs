//! SetAutoTopUp: a low balance makes a purchase due, and a TopUp completes it.

use wallet_client::v1::{self, AutoTopUpState, EntryKind, ErrorReason, EventKind};
use wallet_client::{Code, WalletClient};

use crate::harness::credits;
use crate::products::platform::{ALICE, at};
use crate::shorthand::{explicit, kinds, mismatch, refused, violations};

/// One starter pack a day below 20 credits.
fn setting() -> v1::AutoTopUpSetting {
    v1::AutoTopUpSetting::new("credits", 20, "starter")
}

fn turn_on(request: &str, setting: v1::AutoTopUpSetting) -> v1::SetAutoTopUpRequest {
    v1::SetAutoTopUpRequest::on(ALICE, request, setting)
}

async fn shown(client: &WalletClient) -> v1::AutoTopUp {
    let request = v1::GetWalletRequest { wallet_id: ALICE.into() };
    client.get_wallet(request).await.unwrap().wallet.unwrap().auto_top_up.unwrap()
}

async fn last_event(client: &WalletClient) -> v1::Event {
    let request = v1::ListEventsRequest { wallet_id: ALICE.into(), ..Default::default() };
    client.list_events(request).await.unwrap().events.pop().unwrap()
}

async fn spend(client: &WalletClient, job: &str, amount: i64) -> v1::ReserveResponse {
    client.reserve(explicit(ALICE, job, vec![credits(amount)])).await.unwrap()
}

product! {
    "../tests/it/auto_top_up";

    async fn an_empty_wallet_has_a_purchase_due_at_once(platform: Platform) {
        let set = platform.client.set_auto_top_up(turn_on("a", setting())).await.unwrap();
        let due = set.wallet.unwrap().auto_top_up.unwrap().under_way.unwrap();
        assert_eq!((due.pack_id.as_str(), due.quantity), ("starter", 1));
        assert_eq!(platform.credits().await, (0, 0));
    }

    async fn a_low_balance_makes_one_purchase_due_which_top_up_ends(platform: Platform) {
        let client = &platform.client;
        client.top_up(v1::TopUpRequest::amount(ALICE, "first", credits(100))).await.unwrap();
        let wanted = setting().with_max_per_day(2).with_max_paid_per_month(v1::Money::new("EUR", 9_000));
        let set = client.set_auto_top_up(turn_on("a", wanted.clone()).with_reason("asked to")).await.unwrap();
        assert_eq!((set.replayed, set.revision), (false, 3));
        let auto = set.wallet.unwrap().auto_top_up.unwrap();
        assert_eq!((auto.state(), auto.setting, auto.under_way), (AutoTopUpState::On, Some(wanted.clone()), None));

        let reserved = spend(client, "job", 81).await;
        let event = last_event(client).await;
        assert_eq!((event.kind(), event.revision), (EventKind::AutoTopUpDue, reserved.revision));
        let figures = [event.available, event.threshold].map(|amount| amount.unwrap().amount);
        assert_eq!((figures, event.auto_top_up_off), ([19, 20], false));
        let due = event.purchase.unwrap();
        assert_eq!((due.pack_id.as_str(), due.quantity, due.due_time), ("starter", 1, reserved.decide_time));
        assert_eq!(shown(client).await.under_way, Some(due.clone()));
        spend(client, "next", 1).await;
        assert_eq!(shown(client).await.under_way, Some(due.clone()));

        let bought = client.top_up(v1::TopUpRequest::pack(ALICE, due.top_up_id.clone(), "starter")).await.unwrap();
        assert_eq!((bought.replayed, shown(client).await.under_way), (false, None));
        assert!(client.top_up(v1::TopUpRequest::pack(ALICE, due.top_up_id, "starter")).await.unwrap().replayed);
        assert_eq!(platform.credits().await, (68, 82));

        assert!(client.set_auto_top_up(turn_on("a", wanted)).await.unwrap().replayed);
        assert_eq!(mismatch(client.set_auto_top_up(turn_on("a", setting())).await), ["auto_top_up"]);
        let off = client.set_auto_top_up(v1::SetAutoTopUpRequest::off(ALICE, "b")).await.unwrap();
        assert_eq!(off.wallet.unwrap().auto_top_up.unwrap().state(), AutoTopUpState::Off);
        spend(client, "last", 68).await;
        assert_eq!(shown(client).await.under_way, None);
        let set = client.set_auto_top_up(turn_on("c", setting().with_max_per_day(2))).await.unwrap();
        assert!(set.wallet.unwrap().auto_top_up.unwrap().under_way.is_some());
    }

    async fn bounds_of_a_day_end_at_midnight_without_a_call(platform: Platform) {
        let client = &platform.client;
        let set = client.set_auto_top_up(turn_on("a", setting())).await.unwrap();
        let due = set.wallet.unwrap().auto_top_up.unwrap().under_way.unwrap();
        client.top_up(v1::TopUpRequest::pack(ALICE, due.top_up_id, "starter")).await.unwrap();
        spend(client, "job", 50).await;
        client.settle(crate::shorthand::settle(ALICE, "job", v1::Succeeded::default())).await.unwrap();
        let waiting = shown(client).await;
        assert_eq!((waiting.under_way, waiting.next_due_time), (None, Some(at("2026-02-01T00:00:00Z"))));
        platform.until("2026-02-01T00:00:00Z").await;
        assert_eq!(kinds(client, ALICE).await.pop(), Some(EntryKind::AutoTopUpDue), "by the sweeper");
        assert!(shown(client).await.under_way.is_some());
    }

    async fn settings_that_cannot_work_are_refused(platform: Platform) {
        let client = &platform.client;
        let bare = v1::SetAutoTopUpRequest { auto_top_up: Some(v1::AutoTopUpSetting::default()), ..Default::default() };
        let expected = [
            "wallet_id: must not be empty",
            "request_id: must not be empty",
            "auto_top_up.unit: must not be empty",
            "auto_top_up.threshold: is 0, 1 to 1000000000000000 is allowed",
            "auto_top_up.pack_id: must not be empty",
        ];
        assert_eq!(violations(client.set_auto_top_up(bare).await), expected);
        let often = client.set_auto_top_up(turn_on("a", setting().with_max_per_day(101))).await;
        assert_eq!(violations(often), ["auto_top_up.max_per_day: is 101, 1 to 100 is allowed"]);
        for (pack, currency, cents) in [("starter", "EUR", 899), ("starter", "USD", 9_000), ("unpriced", "EUR", 1)] {
            let setting = v1::AutoTopUpSetting::new("credits", 20, pack);
            let setting = setting.with_max_paid_per_month(v1::Money::new(currency, cents));
            let shown = violations(client.set_auto_top_up(turn_on("a", setting)).await);
            assert!(shown[0].starts_with("auto_top_up.max_paid_per_month: pack"), "{shown:?}");
        }
        let none = client.set_auto_top_up(turn_on("a", v1::AutoTopUpSetting::new("credits", 20, "none"))).await;
        refused(none, ErrorReason::PackNotFound, Code::NotFound);
        let other = client.set_auto_top_up(turn_on("a", v1::AutoTopUpSetting::new("credits", 20, "subscribers"))).await;
        refused(other, ErrorReason::PackNotAvailable, Code::FailedPrecondition);
    }
}
