//! The descriptors of all protos, with their comments and custom options.

use prost_reflect::{DescriptorPool, FieldDescriptor, FileDescriptor, MethodDescriptor, Value};
use wallet_proto::FILE_DESCRIPTOR_SET;

/// All protos of the crate.
pub(crate) fn pool() -> DescriptorPool {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap()
}

/// The comment before an element on one line; empty if there is none.
pub(crate) fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let source = file.file_descriptor_proto().source_code_info.as_ref().expect("comments are included");
    let location = source.location.iter().find(|location| location.path == path);
    let comment = location.map_or("", |location| location.leading_comments());
    comment.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The values of `google.api.field_behavior` of a field.
pub(crate) fn behaviors(field: &FieldDescriptor) -> Vec<String> {
    let option = field.parent_pool().get_extension_by_name("google.api.field_behavior").unwrap();
    let options = field.options();
    let Value::List(values) = options.get_extension(&option).into_owned() else { panic!("not repeated") };
    let kind = option.kind();
    let names = kind.as_enum().unwrap();
    let name = |value: &Value| names.get_value(value.as_enum_number().unwrap()).unwrap().name().to_owned();
    values.iter().map(name).collect()
}

/// The name of the scope that a key needs for a method.
pub(crate) fn scope(method: &MethodDescriptor) -> String {
    let option = method.parent_pool().get_extension_by_name("wallet.v1.scope").expect("the option");
    let number = method.options().get_extension(&option).as_enum_number().expect("a scope");
    let scopes = method.parent_pool().get_enum_by_name("wallet.v1.Scope").expect("the scopes");
    scopes.get_value(number).expect("its name").name().trim_start_matches("SCOPE_").to_lowercase()
}

/// Returns whether a wallet token may call a method.
pub(crate) fn admits_wallet_tokens(method: &MethodDescriptor) -> bool {
    let option = method.parent_pool().get_extension_by_name("wallet.v1.wallet_token").expect("the option");
    method.options().get_extension(&option).as_bool().expect("a bool")
}
