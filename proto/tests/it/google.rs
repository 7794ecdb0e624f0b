//! The protos of Google that this repository has, compared with the complete ones.

use prost_reflect::DescriptorPool;

use crate::descriptors::pool;

#[test]
fn messages_of_google_rpc_have_the_original_fields() {
    let complete = DescriptorPool::decode(tonic_types::pb::FILE_DESCRIPTOR_SET).unwrap();
    let mut compared = 0;
    for message in
        pool().all_messages().filter(|message| message.parent_file().package_name() == "google.rpc")
    {
        let original = complete.get_message_by_name(message.full_name()).expect("it exists");
        let fields = |message: &prost_reflect::MessageDescriptor| -> Vec<_> {
            let fields = message.descriptor_proto().field.iter();
            fields
                .map(|f| (f.name().to_owned(), f.number(), f.label(), f.r#type(), f.type_name().to_owned()))
                .collect()
        };
        assert_eq!(fields(&message), fields(&original), "{}", message.full_name());
        compared += 1;
    }
    assert!(compared >= 6, "{compared}");
}

#[test]
fn the_codes_of_google_rpc_are_those_of_grpc() {
    let codes = pool().get_enum_by_name("google.rpc.Code").unwrap();
    for value in codes.values() {
        let code = format!("{:?}", tonic::Code::from_i32(value.number())).to_uppercase();
        assert_eq!(value.name().replace('_', ""), code);
    }
    assert_eq!(codes.values().len(), 17);
}

#[test]
fn field_behavior_has_the_number_that_google_registered() {
    let option = pool().get_extension_by_name("google.api.field_behavior").unwrap();
    assert_eq!((option.number(), option.is_list(), option.is_packed()), (1052, true, false));
}
