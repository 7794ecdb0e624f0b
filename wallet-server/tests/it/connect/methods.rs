//! Every method with JSON: on a server that got the same calls by gRPC, the answers are the same.

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;
use tonic::Code;
use tonic::transport::Endpoint;
use wallet_core::Timestamp;
use wallet_server::{Clock, Config, TimeSource};

use super::Curl;
use crate::fuzz::corpus::{Input, usual};
use crate::fuzz::raw;
use crate::harness::{Database, Server, micros};

fn json(message: &MessageDescriptor, bytes: &[u8]) -> Value {
    let message = DynamicMessage::decode(message.clone(), bytes).expect("a message");
    serde_json::to_value(&message).expect("its JSON")
}

/// Replaces what is random or signed by the server, and returns the rest.
fn comparable(mut value: Value) -> Value {
    fn hide(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for name in ["quoteToken", "nextPageToken"] {
                    fields.entry(name).and_modify(|token| *token = "hidden".into());
                }
                fields.values_mut().for_each(hide);
            }
            Value::Array(items) => items.iter_mut().for_each(hide),
            _ => {}
        }
    }
    hide(&mut value);
    value
}

/// The name of a code in JSON.
fn name(code: Code) -> String {
    let words = format!("{code:?}");
    let mut name = String::new();
    for letter in words.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

async fn every_method_answers_as_by_grpc(databases: [Database; 2]) {
    let pool = DescriptorPool::decode(wallet_proto::FILE_DESCRIPTOR_SET).unwrap();
    let services = pool.services().filter(|service| service.package_name() == "wallet.v1");
    let methods: Vec<_> = services.flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    // Streams have tests of their own, and the content of the feed depends on the moment.
    let is_compared = |method: &prost_reflect::MethodDescriptor| {
        !method.is_server_streaming() && method.name() != "ListFeed"
    };
    let methods: Vec<_> = methods.into_iter().filter(is_compared).collect();
    let path = |method: &prost_reflect::MethodDescriptor| {
        format!("/{}/{}", method.parent_service().full_name(), method.name())
    };
    let mut inputs = usual();
    // Once more, so that most of them are repetitions; and each method with an empty message.
    inputs.extend(usual());
    inputs.extend(methods.iter().map(|method| Input { path: path(method), message: Vec::new() }));

    let start = Timestamp::from_micros(i64::try_from(micros()).unwrap());
    let [by_grpc, by_json] = databases;
    let config = || Config { time: TimeSource::Given(Clock::manual(start)), ..Config::default() };
    let by_grpc = Server::start_with(by_grpc, config()).await;
    let by_json = Server::start_with(by_json, config()).await;
    let channel = Endpoint::new(by_grpc.endpoint()).unwrap().connect().await.unwrap();
    let curl = Curl::new(by_json.endpoint(), "--http1.1");
    for server in [&by_grpc, &by_json] {
        server.wallet("w", 10_000).await;
    }

    let (mut answered, mut refused) = (BTreeSet::new(), 0);
    for input in inputs {
        let Some(method) = methods.iter().find(|method| path(method) == input.path) else { continue };
        let text = json(&method.input(), &input.message).to_string();
        let expected = raw::call(&channel, &input.path, input.message.clone()).await;
        let found = curl.json(input.path.trim_start_matches('/'), &text);
        match expected {
            Ok(bytes) => {
                assert_eq!(found.status, 200, "{} {text}: {found:?}", input.path);
                let expected = comparable(json(&method.output(), &bytes));
                assert_eq!(comparable(found.body()), expected, "{} {text}", input.path);
                answered.insert(input.path);
            }
            Err(status) => {
                let body = found.body();
                let expected = (name(status.code()), status.message().to_owned());
                let found =
                    (body["code"].as_str().unwrap().to_owned(), body["message"].as_str().unwrap().to_owned());
                assert_eq!(found, expected, "{} {text}", input.path);
                refused += 1;
            }
        }
    }
    assert!(answered.len() >= 35 && refused > 30, "{} {refused}", answered.len());
    let [one, other] = [by_grpc.verify().await, by_json.verify().await];
    assert!(one.is_clean() && other.is_clean());
    assert_eq!(one.entries, other.entries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_answers_with_json_as_by_grpc_on_sqlite() {
    every_method_answers_as_by_grpc([Database::sqlite(), Database::sqlite()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_answers_with_json_as_by_grpc_on_postgres() {
    every_method_answers_as_by_grpc([Database::postgres(), Database::postgres()]).await;
}
