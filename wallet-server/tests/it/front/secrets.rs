//! Secrets in wrong places: a text that a caller sends in any field of any request, and the memory of a server that
//! crashes.

use std::collections::HashMap;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MapKey, ReflectMessage, Value};
use tonic::transport::Endpoint;

use super::matrix::bearer;
use crate::connect::Curl;
use crate::fuzz::corpus::usual;
use crate::fuzz::raw;
use crate::harness::{Database, Front, Process};

/// A text that is also an id.
const CANARY: &str = "canary7f3a9c2e";

/// Returns copies of a message, each with the canary in another one of its texts.
fn with_canaries(message: &DynamicMessage) -> Vec<DynamicMessage> {
    let canary = || Value::String(CANARY.to_owned());
    let mut all = Vec::new();
    for field in message.descriptor().fields() {
        let current = message.get_field(&field);
        let values = match field.kind() {
            _ if field.is_map() => {
                vec![Value::Map(HashMap::from([(MapKey::String(CANARY.to_owned()), canary())]))]
            }
            Kind::String if field.is_list() => vec![Value::List(vec![canary()])],
            Kind::String => vec![canary()],
            Kind::Message(_) if field.is_list() => {
                let first = current.as_list().and_then(<[Value]>::first).and_then(Value::as_message);
                let inner = first.map(with_canaries).unwrap_or_default();
                inner.into_iter().map(|inner| Value::List(vec![Value::Message(inner)])).collect()
            }
            Kind::Message(_) if message.has_field(&field) => {
                let inner = current.as_message().map(with_canaries).unwrap_or_default();
                inner.into_iter().map(Value::Message).collect()
            }
            _ => Vec::new(),
        };
        for value in values {
            let mut copy = message.clone();
            if copy.try_set_field(&field, value).is_ok() {
                all.push(copy);
            }
        }
    }
    all
}

/// Every kind of request, each text of it once with the canary.
fn requests() -> Vec<(String, Vec<u8>)> {
    let pool = DescriptorPool::decode(wallet_proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut all = Vec::new();
    for input in usual() {
        let (service, name) = input.path.trim_start_matches('/').split_once('/').unwrap();
        let Some(service) = pool.get_service_by_name(service) else { continue };
        let method = service.methods().find(|method| method.name() == name).unwrap();
        let message = DynamicMessage::decode(method.input(), input.message.as_slice()).unwrap();
        let copies = with_canaries(&message).into_iter().map(|copy| copy.encode_to_vec());
        all.extend(copies.map(|copy| (input.path.clone(), copy)));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_of_a_request_is_in_the_log_the_metrics_or_the_process_list() {
    let front = Front::new(Database::sqlite());
    let key = front.key("default", "all");
    let monitoring = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let pepper = front.pepper_file();
    let arguments = ["--key-pepper-file", pepper.as_str(), "--monitoring-listen", &monitoring];
    let (mut server, log) =
        Process::start_logged_with(&front.database, &arguments, &[("WALLET_LOG", "trace")]);
    let channel = Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap();
    let authorization = bearer(&key);
    let requests = requests();
    assert!(requests.len() > 150, "{}", requests.len());
    let mut answered = 0;
    for (path, message) in requests {
        answered +=
            usize::from(raw::call_with(&channel, &path, message, authorization.as_deref()).await.is_ok());
    }
    assert!(answered > 20, "{answered}: some are valid");
    let curl = Curl::new(server.endpoint(), "--http1.1");
    for wrong in [format!(r#"{{"{CANARY}": 1}}"#), format!(r#"{{"walletId": {CANARY}}}"#), CANARY.to_owned()]
    {
        let refused = curl.json("wallet.v1.WalletService/GetBalance", &wrong);
        assert!([400, 401].contains(&refused.status), "{refused:?}");
        curl.json(&format!("wallet.v1.WalletService/{CANARY}"), "{}");
    }
    let metrics = Curl::new(format!("http://{monitoring}"), "--http1.1").run("metrics", b"");
    let metrics = String::from_utf8(metrics.bytes).unwrap();
    assert!(metrics.contains("GetBalance") && !metrics.contains(CANARY), "{metrics}");
    let listed = server.of_kernel("cmdline");
    assert!(listed.contains("--key-pepper-file") && !listed.contains(&"f".repeat(64)), "{listed}");
    server.stop();
    let log = log.join().unwrap();
    assert!(log.lines().any(|line| line.contains("/wallet.v1.WalletService/Reserve")), "calls are logged");
    // The path of a call is not one of its fields.
    let line = log.lines().find(|line| line.contains(CANARY) && !line.contains("WalletService/canary"));
    assert!(line.is_none(), "{line:?}");
}

/// Ends a server by a crash. Returns whether the system has dumped its memory.
fn is_dumped(core_dumps: bool) -> bool {
    let (database, folder) = (Database::sqlite(), tempfile::tempdir().unwrap());
    let mut command = Command::new("bash");
    let run = "ulimit -c unlimited && exec \"$0\" \"$@\"";
    command.args(["-c", run, env!("CARGO_BIN_EXE_wallet-server")]);
    command.args(["--listen", "127.0.0.1:0", "--database-url", &database.url]);
    command.env("WALLET_CORE_DUMPS", core_dumps.to_string()).current_dir(&folder).stderr(Stdio::null());
    Process::started(&mut command).abort().core_dumped()
}

#[test]
fn a_crash_leaves_no_dump_of_the_memory_unless_the_setting_allows_it() {
    assert!(!is_dumped(false));
    // Some machines allow no dumps at all.
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-c", "ulimit -c unlimited && kill -ABRT $$"]).current_dir(&folder).stderr(Stdio::null());
    assert_eq!(is_dumped(true), shell.status().unwrap().core_dumped());
}
