//! ListPlans: the plans for sale.

use std::collections::HashMap;

use wallet_client::v1::{self, Term, TermUnit};

use crate::shorthand::{POLICIES, figures, publish};

each_database! {
    async fn plans_are_listed_by_rank_with_all_they_include(server: Server) {
        let client = server.client().await;
        let listed = client.list_plans(v1::ListPlansRequest {}).await.unwrap();
        assert_eq!(listed.catalog_version, 1);
        let ids: Vec<_> =
            listed.plans.iter().map(|plan| (plan.plan_id.as_str(), plan.rank, plan.term)).collect();
        let (once, month) = (Some(Term::new(TermUnit::Once, 1)), Some(Term::new(TermUnit::Month, 1)));
        assert_eq!(ids, [("free", 0, once), ("creator", 1, month), ("pro", 2, month)]);
        let pro = &listed.plans[2];
        assert_eq!((pro.name.as_str(), pro.tier.as_str(), pro.queue_priority), ("Pro", "pro", 10));
        let included: Vec<_> = pro.allowances.iter().filter_map(|a| a.amount.clone()).collect();
        assert_eq!(figures(&included), "4000 credits, 4 trainings");
        assert!(pro.allowances.iter().all(|a| a.cadence == month && a.rollover.is_none()));
        assert_eq!(pro.features, ["queue.fastest", "parameters.advanced"]);
        assert_eq!(pro.limits, HashMap::from([("concurrency".to_owned(), 10)]));
        assert_eq!(pro.list_price, Some(v1::Money { currency: "USD".into(), minor_units: 4_500 }));
    }

    async fn the_list_is_that_of_the_current_catalog(server: Server) {
        let client = server.client().await;
        let plan = "[[plans]]\nid = \"weekly\"\nrank = 1\nterm = \"14 DAY\"\n\
                    limits = { concurrency = \"unlimited\", seats = 3 }\n\
                    allowances = [{ unit = \"money\", amount = \"12.50\", cadence = \"DAY\", rollover = { cap = 5 } }]\n";
        publish(&client, &format!("{POLICIES}\n{plan}")).await;
        let listed = client.list_plans(v1::ListPlansRequest {}).await.unwrap();
        let [_, weekly] = listed.plans.as_slice() else { panic!("{:?}", listed.plans) };
        assert_eq!(
            (listed.catalog_version, weekly.plan_id.as_str(), weekly.name.as_str()),
            (2, "weekly", "weekly")
        );
        assert_eq!(weekly.limits, HashMap::from([("seats".to_owned(), 3)]), "an unlimited figure is omitted");
        let cadence = weekly.allowances[0].cadence;
        let expected = (Some(Term::new(TermUnit::Day, 14)), Some(Term::new(TermUnit::Day, 1)));
        assert_eq!((weekly.term, cadence), expected);
        let shown = |amount: &Option<v1::Amount>| amount.as_ref().unwrap().display.clone();
        let allowance = &weekly.allowances[0];
        assert_eq!(
            (shown(&allowance.amount), shown(&allowance.rollover.as_ref().and_then(|rule| rule.cap.clone()))),
            ("12.50".into(), "5.00".into())
        );
    }
}
