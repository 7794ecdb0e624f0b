//! The methods of the client, compared with the RPCs of the protocol.

use std::fs;
use std::path::Path;

#[test]
fn every_rpc_has_a_method() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for service in [
        "wallet_service",
        "admin_service",
        "catalog_service",
        "event_service",
        "key_service",
        "tenant_service",
        "test_clock_service",
        "webhook_service",
    ] {
        let proto = fs::read_to_string(here.join(format!("../proto/wallet/v1/{service}.proto"))).unwrap();
        let read = |file: &str| fs::read_to_string(here.join(format!("src/{file}.rs"))).unwrap();
        // The streams have files of their own.
        let client = read(service) + &read("feed_watch") + &read("wallet_watch");
        let rpcs = proto.lines().filter_map(|line| line.trim().strip_prefix("rpc ")?.split('(').next());
        // rustfmt breaks long signatures after the request.
        let has_method = |rpc: &&str| {
            [") -> ", ",\n    ) -> "].iter().any(|end| client.contains(&format!("{rpc}Request{end}")))
        };
        let missing: Vec<&str> = rpcs.filter(|rpc| !has_method(rpc)).collect();
        assert!(missing.is_empty(), "{service}: no client method for {missing:?}");
    }
}
