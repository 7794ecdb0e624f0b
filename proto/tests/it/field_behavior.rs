//! `google.api.field_behavior` of request fields, compared with their comments.

use std::collections::BTreeSet;

use prost_reflect::MessageDescriptor;

use crate::descriptors::{behaviors, comment, pool};

/// The requests of all services and the messages in them.
fn requests() -> Vec<MessageDescriptor> {
    let mut found = BTreeSet::new();
    let mut requests = Vec::new();
    let services: Vec<_> =
        pool().services().filter(|s| s.parent_file().package_name() == "wallet.v1").collect();
    let mut open: Vec<_> =
        services.iter().flat_map(|s| s.methods().map(|m| m.input()).collect::<Vec<_>>()).collect();
    while let Some(message) = open.pop() {
        let ours = message.full_name().starts_with("wallet.v1.");
        if !ours || !found.insert(message.full_name().to_owned()) {
            continue;
        }
        open.extend(message.fields().filter_map(|field| field.kind().as_message().cloned()));
        // A map is a list of entries, which the compiler makes.
        if !message.is_map_entry() {
            requests.push(message);
        }
    }
    requests
}

/// The comment of a field of a message that is not nested.
fn comment_of(message: &MessageDescriptor, name: &str) -> String {
    let file = message.parent_file();
    let messages = &file.file_descriptor_proto().message_type;
    let m = messages.iter().position(|m| m.name() == message.name()).unwrap();
    let f = messages[m].field.iter().position(|f| f.name() == name).unwrap();
    comment(&file, &[4, m.try_into().unwrap(), 2, f.try_into().unwrap()])
}

#[test]
fn every_request_field_is_annotated_as_its_comment_says() {
    let requests = requests();
    assert!(requests.len() > 50, "{}", requests.len());
    for message in requests {
        for field in message.fields() {
            let comment = comment_of(&message, field.name());
            let expected = match comment.as_str() {
                text if text.starts_with("Required.") => "REQUIRED",
                text if text.starts_with("Output only") => "OUTPUT_ONLY",
                _ => "OPTIONAL",
            };
            let mut behaviors = behaviors(&field);
            behaviors.retain(|behavior| behavior != "IMMUTABLE");
            assert_eq!(behaviors, [expected], "{}: {comment}", field.full_name());
        }
    }
}

#[test]
fn the_ids_that_a_request_gives_to_a_new_object_never_change() {
    let immutable: BTreeSet<String> = requests()
        .iter()
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        .filter(|field| behaviors(field).iter().any(|behavior| behavior == "IMMUTABLE"))
        .map(|field| field.full_name().trim_start_matches("wallet.v1.").to_owned())
        .collect();
    let expected = [
        "CreateWalletRequest.wallet_id",
        "GrantRequest.grant_id",
        "ReserveRequest.reservation_id",
        "TopUpRequest.top_up_id",
    ];
    assert_eq!(immutable, expected.map(str::to_owned).into());
}
