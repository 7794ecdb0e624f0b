//! GetEntitlements: the limits of a plan, in a form that a screen can show.

use wallet_client::Code;
use wallet_client::v1::matcher::Accepts;
use wallet_client::v1::{self, ErrorReason};

use crate::harness::credits;
use crate::shorthand::{gift, publish, refused};
use crate::subscriptions::{PLANS, change, now, shop, subscribe};

async fn entitlements(client: &wallet_client::WalletClient) -> v1::GetEntitlementsResponse {
    client.get_entitlements(v1::GetEntitlementsRequest { wallet_id: "w".into() }).await.unwrap()
}

/// Formats a matcher.
fn words(matcher: Option<&v1::Matcher>) -> String {
    match matcher.and_then(|matcher| matcher.accepts.as_ref()) {
        Some(Accepts::AnyOf(any)) => any.values.join("|"),
        Some(Accepts::Prefix(prefix)) => format!("{prefix}*"),
        Some(Accepts::WholeNumbers(numbers)) => format!("{}..{}", numbers.min, numbers.max),
        None => "nothing".to_owned(),
    }
}

each_database! {
    async fn without_a_plan_everything_is_allowed(server: Server) {
        let client = shop(&server).await;
        let shown = entitlements(&client).await;
        assert!(shown.unrestricted);
        assert_eq!((shown.plan_id.as_str(), shown.tier.as_str(), shown.queue_priority), ("", "", 0));
        assert_eq!((shown.entitlements.len(), shown.features.len(), shown.limits.len()), (0, 0, 0));
        assert_eq!((shown.revision, shown.version), (1, 1));
    }

    async fn a_plan_lists_what_it_allows_and_its_limits(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "creator")).await.unwrap();
        let shown = entitlements(&client).await;
        assert_eq!((shown.plan_id.as_str(), shown.tier.as_str(), shown.unrestricted), ("creator", "creator", false));
        let [images, audio] = shown.entitlements.as_slice() else { panic!("{:?}", shown.entitlements) };
        assert_eq!((words(images.kind.as_ref()), words(audio.kind.as_ref())), ("image.generate".into(), "audio.*".into()));
        for (name, expected) in [("model", "fast|fine"), ("style", "*"), ("steps", "1..50")] {
            assert_eq!(words(images.attributes.get(name)), expected, "{name}");
        }
        assert_eq!(images.max, [("count".into(), "4".into()), ("scale".into(), "1.5".into())].into());
        assert_eq!((audio.attributes.len(), audio.max.len()), (0, 0));
        assert_eq!(shown.limits, [("concurrency".to_owned(), 2)].into(), "an unlimited figure is omitted");
        assert_eq!((shown.features, shown.queue_priority), (vec!["queue.slow".to_owned()], 2));
    }

    async fn a_plan_may_allow_everything_or_nothing(server: Server) {
        let client = shop(&server).await;
        client.subscribe(subscribe("a", "pro")).await.unwrap();
        let everything = entitlements(&client).await;
        assert_eq!((everything.unrestricted, everything.entitlements.len()), (true, 0));
        client.cancel_subscription(crate::subscriptions::end("b", v1::CancelTime::Now)).await.unwrap();
        client.subscribe(subscribe("c", "nothing")).await.unwrap();
        let nothing = entitlements(&client).await;
        assert_eq!((nothing.unrestricted, nothing.entitlements.len()), (false, 0));
    }

    async fn negotiated_limits_win_and_a_yearly_plan_may_share_a_tier(server: Server) {
        let client = shop(&server).await;
        let overrides = v1::PlanOverrides {
            limits: [("concurrency".to_owned(), 12), ("seats".to_owned(), 3)].into(),
            ..Default::default()
        };
        let request = v1::SubscribeRequest { overrides: Some(overrides), ..subscribe("a", "creator") };
        client.subscribe(request).await.unwrap();
        let limits = [("concurrency".to_owned(), 12), ("seats".to_owned(), 3)].into();
        assert_eq!(entitlements(&client).await.limits, limits);
        client.change_plan(change("b", "creator-yearly")).await.unwrap();
        let yearly = entitlements(&client).await;
        assert_eq!((yearly.plan_id.as_str(), yearly.tier.as_str()), ("creator-yearly", "creator"));
        assert_eq!(yearly.limits.len(), 0, "negotiated for the previous plan only");
    }

    async fn a_wallet_that_is_subscribed_to_nothing_has_the_default_plan(server: Server) {
        let client = shop(&server).await;
        publish(&client, &format!("default_plan = \"nothing\"\n{PLANS}")).await;
        let shown = entitlements(&client).await;
        assert_eq!((shown.plan_id.as_str(), shown.unrestricted), ("nothing", false));
        client.subscribe(subscribe("a", "pro")).await.unwrap();
        assert_eq!(entitlements(&client).await.plan_id, "pro");
    }

    async fn the_answer_has_its_read_time_and_a_missing_wallet_is_not_found(server: Server) {
        let client = shop(&server).await;
        let before = now(&client).await.unwrap();
        client.grant(gift("w", "g", credits(1))).await.unwrap();
        let shown = entitlements(&client).await;
        let read = shown.read_time.unwrap();
        assert!((read.seconds, read.nanos) >= (before.seconds, before.nanos));
        assert_eq!((shown.revision, shown.version), (2, 2));
        let nobody = client.get_entitlements(v1::GetEntitlementsRequest { wallet_id: "nobody".into() }).await;
        refused(nobody, ErrorReason::WalletNotFound, Code::NotFound);
    }
}
