//! A worker in plain Python: the protos need no generator but grpcio-tools.

use std::path::Path;
use std::process::Command;

use crate::harness::tool;

each_database! {
    async fn a_python_worker_runs_on_stubs_made_by_plain_grpcio_tools(server: Server) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let stubs = tempfile::tempdir().unwrap();
        let mut protoc = Command::new(tool("WALLET_TEST_PYTHON"));
        let [python_out, grpc_python_out] =
            ["python_out", "grpc_python_out"].map(|option| format!("--{option}={}", stubs.path().display()));
        protoc.args(["-m", "grpc_tools.protoc", "-I", "proto", &python_out, &grpc_python_out]);
        run(protoc.args(protos(&root)).current_dir(&root));

        let mut worker = Command::new(tool("WALLET_TEST_PYTHON"));
        worker.arg(root.join("wallet-client/examples/worker.py")).arg(server.address.to_string());
        let output = run(worker.env("PYTHONPATH", stubs.path()).env("PYTHONDONTWRITEBYTECODE", "1"));
        assert_eq!(output, "reserved 40, charged 32\nbalance 68\n");
        assert!(server.verify().await.is_clean());
    }
}

#[test]
fn the_readme_shows_the_worker_that_runs_here() {
    let readme = include_str!("../../../wallet-client/README.md");
    let worker = include_str!("../../../wallet-client/examples/worker.py");
    assert!(readme.contains(&format!("```python\n{worker}```")));
}

fn protos(root: &Path) -> Vec<String> {
    let files = |folder| {
        let files = std::fs::read_dir(root.join(folder)).unwrap();
        files.map(move |file| format!("{folder}/{}", file.unwrap().file_name().display()))
    };
    files("proto/wallet/v1").chain(files("proto/google/api")).collect()
}

/// Runs a command and returns its output.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("python");
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
