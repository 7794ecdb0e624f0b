//! RecordAutoTopUpFailure: waits of 1 and 6 hours after declines, and the third turns auto top-up off.

use wallet_client::v1::{self, AutoTopUpState, EntryKind, ErrorReason, EventKind};
use wallet_client::{Code, WalletClient};

use crate::products::platform::ALICE;
use crate::shorthand::{facts, kinds, later, mismatch, refused, violations};

const HOUR: i64 = 3_600;

fn turn_on(request: &str) -> v1::SetAutoTopUpRequest {
    v1::SetAutoTopUpRequest::on(ALICE, request, v1::AutoTopUpSetting::new("credits", 20, "starter"))
}

fn declined(request: &str, top_up: &str) -> v1::RecordAutoTopUpFailureRequest {
    v1::RecordAutoTopUpFailureRequest::new(ALICE, request, top_up).with_reason("card_declined")
}

async fn shown(client: &WalletClient) -> v1::AutoTopUp {
    let request = v1::GetWalletRequest { wallet_id: ALICE.into() };
    client.get_wallet(request).await.unwrap().wallet.unwrap().auto_top_up.unwrap()
}

async fn under_way(client: &WalletClient) -> String {
    shown(client).await.under_way.expect("one is under way").top_up_id
}

async fn last_event(client: &WalletClient) -> v1::Event {
    let request = v1::ListEventsRequest { wallet_id: ALICE.into(), ..Default::default() };
    client.list_events(request).await.unwrap().events.pop().unwrap()
}

product! {
    "../tests/it/auto_top_up";

    async fn declines_are_followed_by_waits_and_the_third_turns_it_off(platform: Platform) {
        let client = &platform.client;
        client.set_auto_top_up(turn_on("a")).await.unwrap();
        for (n, wait) in [(1, Some(HOUR)), (2, Some(6 * HOUR)), (3, None)] {
            let id = under_way(client).await;
            let failed = client.record_auto_top_up_failure(declined(&format!("d{n}"), &id)).await.unwrap();
            let retry = wait.and_then(|wait| later(failed.decide_time, wait));
            let auto = failed.wallet.unwrap().auto_top_up.unwrap();
            let state = if n < 3 { AutoTopUpState::On } else { AutoTopUpState::Declined };
            assert_eq!((auto.declines, auto.state(), auto.next_due_time), (n, state, retry));
            assert_eq!(auto.under_way, None);
            let event = last_event(client).await;
            assert_eq!((event.kind(), event.revision), (EventKind::AutoTopUpFailed, failed.revision));
            assert_eq!((event.retry_time, event.auto_top_up_off), (retry, n == 3));
            assert_eq!(event.purchase.unwrap().top_up_id, id);
            platform.seconds(wait.unwrap_or(48 * HOUR)).await;
            let last = if n < 3 { EntryKind::AutoTopUpDue } else { EntryKind::AutoTopUpFailed };
            assert_eq!(kinds(client, ALICE).await.pop(), Some(last));
        }
        assert_eq!(shown(client).await.under_way, None);
        client.set_auto_top_up(turn_on("b")).await.unwrap();
        let auto = shown(client).await;
        assert_eq!((auto.state(), auto.declines), (AutoTopUpState::On, 0));
        client.top_up(v1::TopUpRequest::pack(ALICE, under_way(client).await, "starter")).await.unwrap();
        assert_eq!(platform.credits().await, (50, 0));
    }

    async fn only_the_purchase_under_way_fails_and_only_once(platform: Platform) {
        let client = &platform.client;
        let never = client.record_auto_top_up_failure(declined("d", "auto-nothing")).await;
        refused(never, ErrorReason::AutoTopUpNotUnderWay, Code::FailedPrecondition);
        client.set_auto_top_up(turn_on("a")).await.unwrap();
        let id = under_way(client).await;
        let other = client.record_auto_top_up_failure(declined("d", "auto-nothing")).await;
        let other = refused(other, ErrorReason::AutoTopUpNotUnderWay, Code::FailedPrecondition);
        assert!(facts(&other).contains(&format!("under_way={id}")));
        client.record_auto_top_up_failure(declined("d", &id)).await.unwrap();
        for again in ["d", "e"] {
            assert!(client.record_auto_top_up_failure(declined(again, &id)).await.unwrap().replayed, "{again}");
        }
        assert_eq!(shown(client).await.declines, 1);
        let changed = client.record_auto_top_up_failure(declined("d", "auto-other")).await;
        assert_eq!(mismatch(changed), ["top_up_id"]);
        client.top_up(v1::TopUpRequest::pack(ALICE, id.clone(), "starter")).await.unwrap();
        let bought = client.record_auto_top_up_failure(declined("f", &id)).await;
        refused(bought, ErrorReason::AutoTopUpNotUnderWay, Code::FailedPrecondition);
        let bare = client.record_auto_top_up_failure(v1::RecordAutoTopUpFailureRequest::default()).await;
        let expected =
            ["wallet_id: must not be empty", "request_id: must not be empty", "top_up_id: must not be empty"];
        assert_eq!(violations(bare), expected);
    }
}
