//! `ops/compose.yml`, with the files that it mounts.

use serde_json::Value;

use super::{PORTS, USER, are_settings, strings, text, yaml};
use crate::style::root;

fn services() -> Value {
    yaml("ops/compose.yml")[0]["services"].clone()
}

#[test]
fn the_server_of_compose_has_known_settings_and_is_reachable_on_this_machine_only() {
    let services = services();
    let wallet = &services["wallet"];
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(wallet["image"], format!("wallet-server:{version}"));
    assert_eq!(wallet["user"], format!("{USER}:{USER}"));
    assert_eq!(wallet["read_only"], true);
    let environment = wallet["environment"].as_object().unwrap();
    are_settings(environment.keys().map(String::as_str));
    // A secret is a file of its name.
    let secrets = strings(&wallet["secrets"]);
    for (name, value) in environment {
        if let Some(file) = value.as_str().and_then(|value| value.strip_prefix("/run/secrets/")) {
            assert!(name.ends_with("_FILE") && secrets.contains(&file), "{name}");
        }
    }
    assert_eq!(strings(&wallet["ports"]), [format!("127.0.0.1:{0}:{0}", PORTS[0])]);
    for service in services.as_object().unwrap().values() {
        let ports = service.get("ports").map(strings).unwrap_or_default();
        assert!(ports.iter().all(|port| port.starts_with("127.0.0.1:")), "{ports:?}");
    }
    let drain = text("wallet-server/default.toml");
    let drain = drain.lines().find_map(|line| line.strip_prefix("#drain_ms = ")).unwrap();
    // Calls end within the drain time, and the queued commands in ten seconds more.
    let grace = wallet["stop_grace_period"].as_str().unwrap().trim_end_matches('s');
    assert!(grace.parse::<u64>().unwrap() * 1_000 > drain.parse::<u64>().unwrap() + 10_000);
}

#[test]
fn the_files_that_compose_mounts_exist_and_secrets_are_not_in_the_repository() {
    let services = services();
    let mut mounted = 0;
    for service in services.as_object().unwrap().values() {
        for volume in service.get("volumes").map(strings).unwrap_or_default() {
            let source = volume.split(':').next().unwrap();
            if source.starts_with("./") {
                assert!(root().join("ops").join(source).is_file(), "{volume}");
                assert!(volume.ends_with(":ro"), "{volume}");
                mounted += 1;
            }
        }
    }
    assert_eq!(mounted, 5);
    let compose = &yaml("ops/compose.yml")[0];
    for secret in compose["secrets"].as_object().unwrap().values() {
        assert!(secret["file"].as_str().unwrap().starts_with("./secrets/"), "{secret}");
    }
    assert!(text(".gitignore").lines().any(|line| line == "/ops/secrets"));
}

#[test]
fn prometheus_scrapes_the_server_under_the_name_that_alerts_and_dashboard_use() {
    let prometheus = &yaml("ops/prometheus.yml")[0];
    let job = &prometheus["scrape_configs"][0];
    assert_eq!(job["job_name"], "wallet");
    assert_eq!(job["static_configs"][0]["targets"][0], format!("wallet:{}", PORTS[1]));
    let services = services();
    let mounts = |service: &str| strings(&services[service]["volumes"]).join(" ");
    let rules = prometheus["rule_files"][0].as_str().unwrap();
    assert!(mounts("prometheus").contains(&format!("./alerts.yml:{rules}:ro")));
    let dashboards = &yaml("ops/grafana/dashboards.yml")[0]["providers"][0]["options"]["path"];
    let dashboards = dashboards.as_str().unwrap();
    assert!(mounts("grafana").contains(&format!("./dashboard.json:{dashboards}/wallet.json:ro")));
    assert_eq!(yaml("ops/grafana/datasource.yml")[0]["datasources"][0]["url"], "http://prometheus:9090");
}
