//! ListEvents: the notifications, each with the entry that caused it.

use wallet_client::v1::threshold::Threshold::{Amount, Percent};
use wallet_client::v1::{self, EntryKind, ErrorReason, EventKind};
use wallet_client::{Code, WalletClient};

use crate::harness::{Server, credits, eventually, video};
use crate::shorthand::{
    balance, cancel, entries, gift, later, low_balance, publish, refused, set_status, settle, until,
    violations,
};

/// A catalog that notifies wallets without a subscription a day before credits expire.
const WARNING: &str = r#"
default_plan = "free"
[units.credits]
[units.trainings]
[[plans]]
id = "free"
term = "ONCE"
allowances = [{ unit = "credits", amount = 10 }]
thresholds = { credits = ["50%"] }
expiry_warning_days = 1
"#;

fn ask() -> v1::ListEventsRequest {
    v1::ListEventsRequest { wallet_id: "w".into(), ..Default::default() }
}

async fn events(client: &WalletClient) -> Vec<v1::Event> {
    client.list_events(ask()).await.unwrap().events
}

/// The amount in minor units.
fn figure(amount: &Option<v1::Amount>) -> i64 {
    amount.as_ref().expect("there is an amount").amount
}

/// Formats events, for example `"3: LOW_BALANCE 60, threshold 80"`.
fn words(events: &[v1::Event]) -> Vec<String> {
    let word = |event: &v1::Event| {
        let kind = event.kind().as_str_name().trim_start_matches("EVENT_KIND_").to_owned();
        let at = event.threshold.as_ref().map(|low| format!(", threshold {}", low.amount));
        format!("{}: {kind} {}{}", event.revision, figure(&event.available), at.unwrap_or_default())
    };
    events.iter().map(word).collect()
}

/// A wallet of 100 credits with low-balance thresholds at 80 and 30.
async fn watched(server: &Server) -> WalletClient {
    let client = server.wallet("w", 100).await;
    let low = low_balance("credits", &[Amount(80), Amount(30)]);
    let update = v1::UpdateWalletRequest {
        low_balance: vec![low],
        ..set_status("w", "low", v1::WalletStatus::Unspecified)
    };
    client.update_wallet(update).await.unwrap();
    client
}

each_database! {
    async fn a_reserve_that_makes_the_balance_low_notifies_and_warns_while_it_is_low(server: Server) {
        let client = watched(&server).await;
        let reserved = client.reserve(v1::ReserveRequest::new("w", "a", video("5"))).await.unwrap();
        let [warning] = reserved.warnings.as_slice() else { panic!("{:?}", reserved.warnings) };
        assert_eq!(warning.kind(), EventKind::LowBalance);
        assert_eq!((figure(&warning.available), figure(&warning.threshold)), (60, 80));
        let [event] = <[v1::Event; 1]>::try_from(events(&client).await).unwrap();
        assert_eq!((event.kind(), event.revision, event.n), (EventKind::LowBalance, reserved.revision, 0));
        assert_eq!((figure(&event.available), figure(&event.threshold)), (60, 80));
        assert_eq!((event.event_time, event.grant_id.as_str()), (reserved.decide_time, ""));

        let again = client.reserve(v1::ReserveRequest::new("w", "b", video("1"))).await.unwrap();
        assert_eq!(again.warnings.len(), 1);
        client.reserve(v1::ReserveRequest::new("w", "c", video("100"))).await.unwrap_err();
        assert_eq!(events(&client).await.len(), 1);
        let shown = balance(&client, "w").await.warnings;
        assert_eq!((shown.len(), figure(&shown[0].available)), (1, 52));

        client.grant(gift("w", "g", credits(36))).await.unwrap();
        let recovered = events(&client).await.pop().unwrap();
        assert_eq!((recovered.kind(), figure(&recovered.threshold)), (EventKind::Recovered, 80));
        assert_eq!(balance(&client, "w").await.warnings, []);
        let last = client.reserve(v1::ReserveRequest::new("w", "d", video("11"))).await.unwrap();
        assert_eq!(last.warnings[0].kind(), EventKind::Exhausted);
        client.cancel(cancel("w", "d", v1::CancelReason::User)).await.unwrap();
        let expected = [
            "4: LOW_BALANCE 60, threshold 80",
            "6: RECOVERED 88, threshold 80",
            "7: LOW_BALANCE 0, threshold 80",
            "7: LOW_BALANCE 0, threshold 30",
            "7: EXHAUSTED 0",
            "8: RECOVERED 88",
            "8: RECOVERED 88, threshold 30",
            "8: RECOVERED 88, threshold 80",
        ];
        assert_eq!(words(&events(&client).await), expected);
        assert!(server.verify().await.is_clean());
    }

    async fn pages_lead_through_the_events_and_filters_narrow_them(server: Server) {
        let client = watched(&server).await;
        client.reserve(v1::ReserveRequest::new("w", "a", video("12"))).await.unwrap();
        client.settle(settle("w", "a", v1::Succeeded::default())).await.unwrap();
        client.grant(gift("w", "g", credits(4))).await.unwrap();
        client.reserve(v1::ReserveRequest::new("w", "b", video("1"))).await.unwrap();
        let all = ["4: LOW_BALANCE 4, threshold 80", "4: LOW_BALANCE 4, threshold 30", "7: EXHAUSTED 0"];
        assert_eq!(words(&events(&client).await), all);

        let mut token = String::new();
        for expected in all {
            let page = v1::ListEventsRequest { page_size: 1, page_token: token, ..ask() };
            let page = client.list_events(page).await.unwrap();
            assert_eq!(words(&page.events), [expected]);
            token = page.next_page_token;
        }
        assert_eq!(token, "");
        for (after_revision, kinds, expected) in [
            (4, vec![], &all[2..]),
            (3, vec![], &all[..]),
            (0, vec![EventKind::Exhausted], &all[2..]),
            (0, vec![EventKind::LowBalance, EventKind::GrantExpiring], &all[..2]),
            (0, vec![EventKind::Recovered], &all[3..]),
            (7, vec![], &all[3..]),
        ] {
            let kinds = kinds.into_iter().map(i32::from).collect();
            let request = v1::ListEventsRequest { after_revision, kinds, ..ask() };
            assert_eq!(words(&client.list_events(request).await.unwrap().events), expected, "{after_revision}");
        }
    }

    async fn credits_that_expire_in_a_day_are_notified_once_by_the_sweeper(server: Server) {
        publish(&server.client().await, WARNING).await;
        let client = server.wallet("w", 0).await;
        let end = later(balance(&client, "w").await.read_time, 86_402);
        client.grant(v1::GrantRequest { expire_time: end, ..gift("w", "g", credits(9)) }).await.unwrap();
        let warn_time = later(end, -86_400);
        until(&client, "w", warn_time).await;
        let sent = eventually("the sweeper notifies", async || {
            let events = events(&client).await;
            if events.is_empty() { Err(events) } else { Ok(events) }
        })
        .await;
        let [event] = <[v1::Event; 1]>::try_from(sent).unwrap();
        assert_eq!((event.kind(), event.grant_id.as_str()), (EventKind::GrantExpiring, "grant:g"));
        assert_eq!((event.event_time, event.expire_time), (warn_time, end));
        assert_eq!(figure(&event.available), 9);
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.reason.as_str()), (EntryKind::GrantExpiring, "grant:g"));
        assert_eq!((entry.revision, entry.postings.len()), (event.revision, 0));
        assert!(server.verify().await.is_clean());
    }

    async fn thresholds_of_the_wallet_win_over_the_plans_and_are_shown(server: Server) {
        publish(&server.client().await, WARNING).await;
        let client = server.wallet("w", 0).await;
        let set = |id: &str, low: v1::LowBalance| {
            let update = set_status("w", id, v1::WalletStatus::Unspecified);
            client.update_wallet(v1::UpdateWalletRequest { low_balance: vec![low], ..update })
        };
        let own = low_balance("credits", &[Amount(3), Percent(20)]);
        assert_eq!(set("a", own.clone()).await.unwrap().wallet.unwrap().low_balance, std::slice::from_ref(&own));
        assert!(set("a", own).await.unwrap().replayed);
        let shown = violations(set("b", low_balance("seats", &[])).await);
        assert_eq!(shown, ["low_balance: the catalog has no unit seats"]);
        let explicit = |id: &str, n| crate::shorthand::explicit("w", id, vec![credits(n)]);
        client.reserve(explicit("j", 6)).await.unwrap();
        assert_eq!(words(&events(&client).await), [""; 0]);
        assert_eq!(set("c", low_balance("credits", &[])).await.unwrap().wallet.unwrap().low_balance, []);
        assert_eq!(balance(&client, "w").await.warnings.len(), 1, "the plan's threshold is 5");
    }

    async fn an_invalid_page_token_a_bad_field_and_a_missing_wallet_are_refused(server: Server) {
        let client = server.wallet("w", 0).await;
        let request = v1::ListEventsRequest { page_token: "made-up".into(), ..ask() };
        let expected = ["page_token: is not from a page of this list"];
        assert_eq!(violations(client.list_events(request).await), expected);
        let bad = v1::ListEventsRequest {
            wallet_id: String::new(),
            after_revision: -1,
            kinds: vec![9],
            page_size: 501,
            page_token: String::new(),
        };
        let expected = [
            "wallet_id: must not be empty",
            "after_revision: is -1, must not be negative",
            "kinds[0]: 9 is not an event kind",
            "page_size: is 501, 0 to 500 is allowed; 0 means 50",
        ];
        assert_eq!(violations(client.list_events(bad).await), expected);
        let nobody = v1::ListEventsRequest { wallet_id: "nobody".into(), ..ask() };
        refused(client.list_events(nobody).await, ErrorReason::WalletNotFound, Code::NotFound);
    }
}
