//! The methods with one request and the types of their messages.

use std::collections::HashMap;

use prost_reflect::{DescriptorError, DescriptorPool, MessageDescriptor, MethodDescriptor};
use prost_types::method_options::IdempotencyLevel;

/// The messages of one method.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    pub(super) request: MessageDescriptor,
    pub(super) reply: MessageDescriptor,
    /// True: the reply is a stream of messages.
    is_stream: bool,
    /// True: a call changes nothing.
    is_safe: bool,
}

/// All methods with one request by their path.
#[derive(Debug)]
pub(crate) struct Methods(HashMap<String, Method>);

impl Methods {
    pub(crate) fn new() -> Result<Self, DescriptorError> {
        let mut pool = DescriptorPool::decode(wallet_proto::FILE_DESCRIPTOR_SET)?;
        pool.decode_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)?;
        let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let methods = methods.filter(|method| !method.is_client_streaming());
        let row = methods.map(|method| {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let (request, reply, is_stream) = (method.input(), method.output(), method.is_server_streaming());
            let is_safe = is_safe(&method);
            (path, Method { request, reply, is_stream, is_safe })
        });
        Ok(Self(row.collect()))
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &Method> {
        self.0.values()
    }

    /// Returns the paths of all methods.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the method with this path that answers with one message and changes nothing.
    pub(crate) fn safe(&self, path: &str) -> Option<&Method> {
        self.find(path, false).filter(|method| method.is_safe)
    }

    /// Returns the method with this path that answers with one message, or with a stream.
    pub(crate) fn find(&self, path: &str, is_stream: bool) -> Option<&Method> {
        self.0.get(path).filter(|method| method.is_stream == is_stream)
    }
}

/// Returns whether the proto declares that calls of a method change nothing.
fn is_safe(method: &MethodDescriptor) -> bool {
    let options = method.method_descriptor_proto().options.as_ref();
    options.is_some_and(|options| options.idempotency_level() == IdempotencyLevel::NoSideEffects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_with_one_request_is_listed_by_its_kind() {
        let methods = Methods::new().unwrap();
        for path in [
            "/wallet.v1.WalletService/Estimate",
            "/wallet.v1.TestClockService/AdvanceClock",
            "/grpc.health.v1.Health/Check",
        ] {
            assert!(methods.find(path, false).is_some() && methods.find(path, true).is_none(), "{path}");
        }
        for path in ["/wallet.v1.EventService/WatchFeed", "/grpc.health.v1.Health/Watch"] {
            assert!(methods.find(path, true).is_some() && methods.find(path, false).is_none(), "{path}");
        }
        assert!(methods.0.len() > 45, "{}", methods.0.len());
    }

    #[test]
    fn reads_can_be_called_by_get_and_nothing_else_can() {
        let methods = Methods::new().unwrap();
        let reads = ["Estimate", "Get", "List", "Summarize"];
        for (path, method) in &methods.0 {
            let name = path.rsplit('/').next().unwrap();
            let is_read = reads.iter().any(|read| name.starts_with(read)) && path.starts_with("/wallet.v1.");
            assert_eq!(methods.safe(path).is_some(), is_read && !method.is_stream, "{path}");
        }
    }
}
