//! The manifests of `ops/kubernetes`.

use serde_json::Value;

use super::{PORTS, USER, are_settings, is_command, is_configuration, strings, text, yaml};
use crate::style::root;

const BASE: &str = "ops/kubernetes/base";
const MESH: &str = "ops/kubernetes/mesh";

fn deployment() -> Value {
    yaml(&format!("{BASE}/deployment.yaml"))[0]["spec"].clone()
}

/// The init container that migrates, and the server.
fn containers(pod: &Value) -> [&Value; 2] {
    [&pod["initContainers"][0], &pod["containers"][0]]
}

/// The value of a line of a configuration file.
fn setting(file: &str, name: &str) -> Option<String> {
    let text = text(file);
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))?;
    Some(line.trim_matches('"').to_owned())
}

#[test]
fn the_pods_run_known_commands_and_settings_without_rights() {
    let pod = &deployment()["template"]["spec"];
    let security = &pod["securityContext"];
    assert_eq!(security["runAsNonRoot"], true);
    for id in ["runAsUser", "runAsGroup", "fsGroup"] {
        assert_eq!(security[id], USER, "{id}");
    }
    for container in containers(pod) {
        is_command(&strings(&container["args"]));
        assert_eq!(container["image"], "wallet-server");
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        let variables = container["env"].as_array().unwrap();
        are_settings(variables.iter().map(|variable| variable["name"].as_str().unwrap()));
    }
    let kustomization = &yaml(&format!("{BASE}/kustomization.yaml"))[0];
    assert_eq!(kustomization["images"][0]["newTag"], env!("CARGO_PKG_VERSION"));
    for resource in strings(&kustomization["resources"]) {
        assert!(root().join(BASE).join(resource).is_file(), "{resource}");
    }
}

#[test]
fn the_files_of_the_configuration_are_those_that_the_pods_mount() {
    let pod = &deployment()["template"]["spec"];
    for container in containers(pod) {
        let file = container["env"][0]["value"].as_str().unwrap();
        assert!(file.ends_with("/wallet.toml"), "{file}");
        let mounts: Vec<&str> = container["volumeMounts"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|m| m["mountPath"].as_str())
            .collect();
        let is_mounted = |path: &str| mounts.contains(&path.rsplit_once('/').unwrap().0);
        assert!(is_mounted(file), "{file}: {mounts:?}");
        for name in ["database_url_file", "key_pepper_file", "tls_cert", "tls_key"] {
            let path = setting(&format!("{BASE}/wallet.toml"), name).unwrap();
            assert!(is_mounted(&path), "{path}: {mounts:?}");
        }
    }
    for folder in [BASE, MESH] {
        let file = format!("{folder}/wallet.toml");
        is_configuration(&file);
        let ports = ["listen", "monitoring_listen"].map(|name| setting(&file, name).unwrap());
        assert_eq!(ports, PORTS.map(|port| format!("0.0.0.0:{port}")), "{folder}");
        assert!(setting(&file, "key_pepper_file").is_some(), "{folder} needs API keys");
    }
    assert_eq!(setting(&format!("{MESH}/wallet.toml"), "tls_cert"), None);
}

#[test]
fn probes_and_ports_are_those_of_the_server() {
    let deployment = deployment();
    let pod = &deployment["template"]["spec"];
    let [_, server] = containers(pod);
    let ports: Vec<u64> = server["ports"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|port| port["containerPort"].as_u64())
        .collect();
    assert_eq!(ports, PORTS);
    let paths =
        ["startupProbe", "readinessProbe", "livenessProbe"].map(|probe| &server[probe]["httpGet"]["path"]);
    assert_eq!(paths, ["/readyz", "/readyz", "/livez"]);
    let annotations = &deployment["template"]["metadata"]["annotations"];
    assert_eq!(annotations["prometheus.io/port"], PORTS[1].to_string());
    let service = &yaml(&format!("{BASE}/service.yaml"))[0]["spec"]["ports"][0];
    assert_eq!(service["port"], PORTS[0]);
    assert_eq!(service["targetPort"], server["ports"][0]["name"]);
    let patch = &yaml(&format!("{MESH}/without-tls.yaml"))[0]["spec"]["template"]["spec"]["containers"][0];
    for probe in ["startupProbe", "readinessProbe"] {
        assert_eq!(patch[probe]["grpc"]["port"], PORTS[0], "{probe}");
    }
}

#[test]
fn a_pod_has_time_to_end_its_calls_and_one_server_always_stays() {
    let deployment = deployment();
    assert_eq!(deployment["replicas"], 2);
    assert_eq!(deployment["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
    let disruption = &yaml(&format!("{BASE}/disruption.yaml"))[0];
    assert_eq!(
        (&disruption["kind"], &disruption["spec"]["minAvailable"]),
        (&"PodDisruptionBudget".into(), &1.into())
    );
    let pod = &deployment["template"]["spec"];
    let [_, server] = containers(pod);
    let pause = server["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap();
    let drain: u64 = setting("wallet-server/default.toml", "#drain_ms").unwrap().parse().unwrap();
    // The queued commands have ten seconds more.
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(pause > 0 && grace > pause + drain / 1_000 + 10, "{grace}");
}
