//! The fields that the server refuses if they are absent, compared with `google.api.field_behavior`.
//!
//! Each message of a request is sent empty: the request itself, and each message in it at its place.

use std::collections::BTreeSet;

use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value,
};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use wallet_client::v1;
use wallet_server::{Config, TimeSource};

use crate::fuzz::raw;
use crate::harness::{Database, Server};

/// Amounts may be 0 in most fields, so `amount` is optional although these two fields need more than 0.
const ABOVE_ZERO: [&str; 1] = ["amount.amount"];

/// The fields on the way from a request to one of the messages in it.
type Place = Vec<FieldDescriptor>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_refuses_the_absence_of_exactly_the_required_fields() {
    let config = Config { time: TimeSource::Manual, ..Config::default() };
    let server = Server::start_with(Database::sqlite(), config).await;
    let channel = Endpoint::from_shared(server.endpoint()).unwrap().connect().await.unwrap();
    let pool = DescriptorPool::decode(wallet_proto::FILE_DESCRIPTOR_SET).unwrap();
    let services = pool.services().filter(|service| service.parent_file().package_name() == "wallet.v1");
    let mut checked = 0;
    for method in services.flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        for place in places(&method.input()) {
            let message = place.last().map_or(method.input(), |field| message_of(field).unwrap());
            let refused = absences(&channel, &path, &method.input(), &place).await;
            assert_eq!(refused, required(&message, !place.is_empty()), "{path}: {}", name_of(&place));
            checked += 1;
        }
    }
    assert!(checked > 70, "{checked}");
}

/// The request itself, and all messages of this package in it.
fn places(request: &MessageDescriptor) -> Vec<Place> {
    let mut places = vec![Vec::new()];
    let mut n = 0;
    while n < places.len() {
        let place = places[n].clone();
        let message = place.last().map_or_else(|| request.clone(), |field| message_of(field).unwrap());
        let inner = message.fields().filter(|field| {
            message_of(field).is_some_and(|inner| inner.full_name().starts_with("wallet.v1."))
        });
        places.extend(inner.map(|field| [place.as_slice(), &[field]].concat()));
        n += 1;
    }
    places
}

/// The message of a field; of a map that of its values.
fn message_of(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind().as_message().cloned(),
        kind => kind.as_message().cloned(),
    }
}

/// The path of a place as the server names it.
fn name_of(place: &[FieldDescriptor]) -> String {
    let name = |field: &FieldDescriptor| match (field.is_map(), field.is_list()) {
        (true, _) => format!("{}[\"k\"]", field.name()),
        (_, true) => format!("{}[0]", field.name()),
        _ => field.name().to_owned(),
    };
    place.iter().map(name).collect::<Vec<_>>().join(".")
}

/// A message that is empty except for the messages on the way to a place.
fn empty(message: &MessageDescriptor, place: &[FieldDescriptor]) -> DynamicMessage {
    let mut empty = DynamicMessage::new(message.clone());
    if let [field, rest @ ..] = place {
        let inner = Value::Message(self::empty(&message_of(field).unwrap(), rest));
        let value = match (field.is_map(), field.is_list()) {
            (true, _) => Value::Map([(MapKey::String("k".into()), inner)].into()),
            (_, true) => Value::List(vec![inner]),
            _ => inner,
        };
        empty.set_field(field, value);
    }
    empty
}

/// The fields that the server misses at a place of an otherwise empty request.
async fn absences(
    channel: &Channel,
    path: &str,
    request: &MessageDescriptor,
    place: &[FieldDescriptor],
) -> BTreeSet<String> {
    let answer = raw::call(channel, path, empty(request, place).encode_to_vec()).await;
    let at = name_of(place);
    let found = violations(answer).into_iter().filter_map(|field| {
        if ABOVE_ZERO.iter().any(|exempt| field == *exempt) {
            return None;
        }
        if place.is_empty() {
            return (!field.contains(['.', '['])).then_some(field);
        }
        // A message whose only content is a oneof is itself named as the fault.
        let rest = if field == at { "" } else { field.strip_prefix(&at)?.strip_prefix('.')? };
        (!rest.contains(['.', '['])).then(|| rest.to_owned())
    });
    found.collect()
}

fn violations(answer: Result<Vec<u8>, Status>) -> Vec<String> {
    let status = match answer {
        Ok(response) => return violations_of_item(&response),
        Err(status) => status,
    };
    let details = status.get_error_details();
    if status.code() != Code::InvalidArgument {
        return Vec::new();
    }
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}

/// The fields of the first item of a response with many, whose results all have their errors in the same place.
fn violations_of_item(response: &[u8]) -> Vec<String> {
    let Ok(v1::ReserveManyResponse { results }) = Message::decode(response) else { return Vec::new() };
    let Some(Some(Err(error))) = results.into_iter().next().map(v1::ReserveResult::into_result) else {
        return Vec::new();
    };
    error.violations.into_iter().map(|violation| format!("requests[0].{}", violation.field)).collect()
}

/// The fields with REQUIRED, and the oneofs whose comment requires one of their fields. A message within a request that
/// has only a oneof is named "".
fn required(message: &MessageDescriptor, inner: bool) -> BTreeSet<String> {
    let fields = message.fields().filter(is_required).map(|field| field.name().to_owned());
    let itself = inner && message.fields().all(|field| field.containing_oneof().is_some());
    let oneofs = message.oneofs().filter(|oneof| comment_requires(message, oneof.name()));
    let oneofs = oneofs.map(|oneof| if itself { String::new() } else { oneof.name().to_owned() });
    fields.chain(oneofs).collect()
}

fn is_required(field: &FieldDescriptor) -> bool {
    let behavior = field.parent_pool().get_extension_by_name("google.api.field_behavior").unwrap();
    let options = field.options();
    let Value::List(values) = options.get_extension(&behavior).into_owned() else { unreachable!() };
    let required = behavior.kind().as_enum().unwrap().get_value_by_name("REQUIRED").unwrap().number();
    values.iter().any(|value| value.as_enum_number() == Some(required))
}

/// Returns true if the comment of a oneof says that it is required.
fn comment_requires(message: &MessageDescriptor, oneof: &str) -> bool {
    let file = message.parent_file();
    let file = file.file_descriptor_proto();
    let m = file.message_type.iter().position(|m| m.name() == message.name()).unwrap();
    let o = file.message_type[m].oneof_decl.iter().position(|o| o.name() == oneof).unwrap();
    let path = [4, m, 8, o].map(|n| i32::try_from(n).unwrap());
    let source = file.source_code_info.as_ref().unwrap();
    let location = source.location.iter().find(|location| location.path == path);
    location.is_some_and(|location| location.leading_comments().trim().starts_with("Required."))
}
