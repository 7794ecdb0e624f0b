//! The commands of `webhooks`, at a running server.

use super::run;
use crate::harness::{Database, Process};

#[test]
fn an_endpoint_is_created_listed_changed_and_deleted() {
    let database = Database::sqlite();
    let server = Process::start(&database, &[]);
    let endpoint = server.endpoint();
    let webhooks = |words: &[&str]| run(&[&["webhooks"], words, &["--endpoint", &endpoint]].concat(), &[]);

    let created = webhooks(&["create", "crm", "https://crm.example/", "--types", "job.settled,balance.low"]);
    assert_eq!(created.code, Some(0), "{created:?}");
    let lines: Vec<&str> = created.stdout.lines().collect();
    assert_eq!(lines[0], "crm  enabled  https://crm.example/  balance.low,job.settled  position 0  secret 1");
    assert!(lines[1].starts_with("whsec_") && lines.len() == 2);

    let rotated = webhooks(&["rotate-secret", "crm"]);
    assert!(rotated.stdout.contains("secret 2\nwhsec_") && !rotated.stdout.contains(lines[1]), "{rotated:?}");
    let tested = webhooks(&["test", "crm"]);
    assert_eq!(tested.code, Some(1), "{tested:?}");
    assert!(tested.stdout.starts_with("endpoint crm failed after "), "{tested:?}");
    let ordered = webhooks(&["create", "erp", "https://erp.example/", "--ordered"]);
    assert!(ordered.stdout.starts_with("erp  enabled  https://erp.example/  all types  ordered  position 0"));
    let words =
        ["update", "erp", "--url", "https://new.example/", "--types", "balance.low", "--ordered", "false"];
    let updated = webhooks(&words);
    assert_eq!(
        updated.stdout, "erp  enabled  https://new.example/  balance.low  position 0  secret 1\n",
        "{updated:?}"
    );
    let updated = webhooks(&["update", "erp", "--all-types"]);
    assert_eq!(
        updated.stdout, "erp  enabled  https://new.example/  all types  position 0  secret 1\n",
        "{updated:?}"
    );
    assert_eq!(webhooks(&["update", "erp", "--all-types", "--types", "balance.low"]).code, Some(2));
    assert_eq!(webhooks(&["delete", "erp"]).stdout, "endpoint erp is deleted\n");
    assert!(webhooks(&["disable", "crm"]).stdout.starts_with("crm  disabled"));
    assert!(webhooks(&["enable", "crm"]).stdout.starts_with("crm  enabled"));
    assert_eq!(webhooks(&["retry", "crm"]).stdout, "0 deliveries are sent again\n");
    assert_eq!(webhooks(&["deliveries", "crm"]).stdout, "");
    assert_eq!(webhooks(&["delete", "crm"]).stdout, "endpoint crm is deleted\n");
    assert_eq!(webhooks(&["list"]).stdout, "");
}

#[test]
fn a_refused_endpoint_is_reported_with_every_bad_field() {
    let database = Database::sqlite();
    let server = Process::start(&database, &[]);
    let words =
        ["webhooks", "create", "crm", "http://10.0.0.1/", "--types", "tea", "--endpoint", &server.endpoint()];
    let refused = run(&words, &[]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    assert!(refused.stderr.contains("url: ") && refused.stderr.contains("types[0]: "), "{}", refused.stderr);
}
