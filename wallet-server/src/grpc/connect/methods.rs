//! The methods with one request and the types of their messages.

use std::collections::HashMap;

use prost_reflect::{DescriptorError, DescriptorPool, MessageDescriptor};

/// The messages of one method.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    pub(super) request: MessageDescriptor,
    pub(super) reply: MessageDescriptor,
    /// True: the reply is a stream of messages.
    is_stream: bool,
}

/// All methods with one request by their path.
#[derive(Debug)]
pub(crate) struct Methods(HashMap<String, Method>);

impl Methods {
    pub(crate) fn new() -> Result<Self, DescriptorError> {
        let mut pool = DescriptorPool::decode(wallet_proto::FILE_DESCRIPTOR_SET)?;
        pool.decode_file_descriptor_set(wallet_proto::TEST_CLOCK_DESCRIPTOR_SET)?;
        pool.decode_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)?;
        let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let methods = methods.filter(|method| !method.is_client_streaming());
        let row = methods.map(|method| {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let (request, reply, is_stream) = (method.input(), method.output(), method.is_server_streaming());
            (path, Method { request, reply, is_stream })
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

    /// Returns the method with this path that answers with one message, or with a stream.
    pub(crate) fn find(&self, path: &str, is_stream: bool) -> Option<&Method> {
        self.0.get(path).filter(|method| method.is_stream == is_stream)
    }
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
}
