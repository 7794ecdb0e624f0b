//! Every method with every kind of key, from the descriptors of the protos: only the right cells pass.

use std::time::Duration;

use prost_reflect::{DescriptorPool, MethodDescriptor};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use wallet_client::v1::{self, Scope};

use crate::fuzz::raw;
use crate::harness::{Database, Front, id_of, with_key};

/// A value of `authorization`, with the reason for which every method refuses it.
type Refused = (&'static str, Option<String>, &'static str);

/// A method of the package, from the descriptors.
pub(super) struct Method {
    pub(super) path: String,
    /// The name of its scope.
    pub(super) scope: String,
    /// True: it has the option with which wallet tokens may call it.
    pub(super) is_for_tokens: bool,
    pub(super) descriptor: MethodDescriptor,
}

/// Every method of the package.
pub(super) fn methods() -> Vec<Method> {
    let pool = DescriptorPool::decode(wallet_proto::FILE_DESCRIPTOR_SET).unwrap();
    let [scope, token] = ["wallet.v1.scope", "wallet.v1.wallet_token"];
    let [scope, token] = [scope, token].map(|name| pool.get_extension_by_name(name).unwrap());
    let scopes = pool.get_enum_by_name("wallet.v1.Scope").unwrap();
    let services = pool.services().filter(|service| service.package_name() == "wallet.v1");
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    let row = |method: MethodDescriptor| {
        let number = method.options().get_extension(&scope).as_enum_number().unwrap();
        Method {
            path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
            scope: scopes.get_value(number).unwrap().name().to_owned(),
            is_for_tokens: method.options().get_extension(&token).as_bool().unwrap(),
            descriptor: method,
        }
    };
    methods.map(row).collect()
}

/// Replaces a part of a key and computes its checksum.
fn forged(key: &str, part: usize, text: &str) -> String {
    let mut parts: Vec<&str> = key.split('_').take(4).collect();
    parts[part] = text;
    let body = parts.join("_");
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut sum = Vec::new();
    for _ in 0..6 {
        sum.insert(0, alphabet[(rest % 62) as usize]);
        rest /= 62;
    }
    format!("{body}_{}", String::from_utf8(sum).unwrap())
}

pub(super) fn bearer(key: &str) -> Option<String> {
    Some(format!("Bearer {key}"))
}

async fn answer(channel: &Channel, path: &str, authorization: Option<&str>) -> Result<Vec<u8>, Status> {
    raw::call_with(channel, path, Vec::new(), authorization).await
}

/// The reason for which the front door refuses a call; empty if it lets the call in.
pub(super) fn refusal(answer: &Result<Vec<u8>, Status>) -> String {
    let Err(status) = answer else { return String::new() };
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => {
            status.get_error_details().error_info().unwrap().reason.clone()
        }
        Code::Unimplemented | Code::Internal | Code::Unknown => panic!("{status:?}"),
        _ => String::new(),
    }
}

async fn only_the_right_cells_pass(database: Database) {
    let front = Front::new(database);
    front.cli(&["tenants", "create", "closed", "--test"]);
    let (all, closed) = (front.key("default", "all,tenants"), front.key("closed", "all"));
    front.cli(&["tenants", "suspend", "closed"]);
    let server = front.serve().await;
    let admin = with_key(&server, &all).await;
    let create = async |scopes: Vec<Scope>, brief: bool| {
        let mut request = v1::CreateKeyRequest::new("k", scopes);
        if brief {
            let now = admin.create_key(request.clone()).await.unwrap().key.unwrap().create_time.unwrap();
            request.expire_time = Some(prost_types::Timestamp { seconds: now.seconds + 60, ..now });
        }
        admin.create_key(request).await.unwrap().secret
    };
    let (revoked, expired) =
        (create(Scope::all().collect(), false).await, create(Scope::all().collect(), true).await);
    admin.revoke_key(v1::RevokeKeyRequest::new(id_of(&revoked))).await.unwrap();
    admin.advance_clock(v1::AdvanceClockRequest::by(Duration::from_secs(60))).await.unwrap();
    let mut alone = Vec::new();
    for scope in Scope::all() {
        alone.push((scope.as_str_name(), create(vec![scope], false).await));
    }
    let typo = if all.ends_with('0') { "1" } else { "0" };
    let refused: Vec<Refused> = vec![
        ("no key", None, "KEY_MISSING"),
        ("another scheme", Some(format!("Basic {all}")), "KEY_MALFORMED"),
        ("no scheme", Some(all.clone()), "KEY_MALFORMED"),
        ("a part of a key", bearer(&all[..40]), "KEY_MALFORMED"),
        ("a wrong checksum", bearer(&format!("{}{typo}", &all[..all.len() - 1])), "KEY_MALFORMED"),
        ("an unknown id", bearer(&forged(&all, 2, "0000000000")), "KEY_INVALID"),
        ("another secret", bearer(&forged(&all, 3, &"s".repeat(43))), "KEY_INVALID"),
        ("a revoked key", bearer(&revoked), "KEY_INVALID"),
        ("an expired key", bearer(&expired), "KEY_INVALID"),
        ("a key of a suspended tenant", bearer(&closed), "TENANT_SUSPENDED"),
    ];
    let channel = Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap();
    let methods = methods();
    assert!(methods.len() > 40, "{}", methods.len());
    for Method { path, scope, .. } in &methods {
        let mut invalid = Vec::new();
        for (name, authorization, reason) in &refused {
            let status = answer(&channel, path, authorization.as_deref()).await.expect_err(path);
            assert_eq!(refusal(&Err(status.clone())), *reason, "{path} with {name}");
            if *reason == "KEY_INVALID" {
                invalid.push((status.code(), status.message().to_owned(), status.details().to_vec()));
            }
        }
        invalid.dedup();
        assert_eq!(invalid.len(), 1, "{path}: callers learn which keys exist");
        for (name, key) in &alone {
            let found = refusal(&answer(&channel, path, bearer(key).as_deref()).await);
            let expected = if name == scope { "" } else { "SCOPE_MISSING" };
            assert_eq!(found, expected, "{path} with a key of {name}");
        }
        assert_eq!(
            refusal(&answer(&channel, path, bearer(&all).as_deref()).await),
            "",
            "{path} with all scopes"
        );
    }
    open_to_everybody(&channel).await;
}

/// Health checks and reflection need no key; a path that is no method is never reached.
async fn open_to_everybody(channel: &Channel) {
    answer(channel, "/grpc.health.v1.Health/Check", None).await.unwrap();
    answer(channel, "/grpc.health.v1.Health/Check", Some("Bearer x")).await.unwrap();
    let path = "/wallet.v1.WalletService/Steal";
    let unknown = answer(channel, path, None).await.unwrap_err();
    assert_eq!(unknown.code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_admits_only_keys_with_its_scope_on_sqlite() {
    only_the_right_cells_pass(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_admits_only_keys_with_its_scope_on_postgres() {
    only_the_right_cells_pass(Database::postgres()).await;
}
