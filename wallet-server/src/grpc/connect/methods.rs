//! The unary methods and the types of their messages.

use std::collections::HashMap;

use prost_reflect::{DescriptorError, DescriptorPool, MessageDescriptor};

/// The messages of one method.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    pub(super) request: MessageDescriptor,
    pub(super) reply: MessageDescriptor,
}

/// All unary methods by their path.
#[derive(Debug)]
pub(crate) struct Methods(HashMap<String, Method>);

impl Methods {
    pub(crate) fn new() -> Result<Self, DescriptorError> {
        let mut pool = DescriptorPool::decode(wallet_proto::FILE_DESCRIPTOR_SET)?;
        pool.decode_file_descriptor_set(wallet_proto::TEST_CLOCK_DESCRIPTOR_SET)?;
        pool.decode_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)?;
        let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let unary = methods.filter(|method| !method.is_client_streaming() && !method.is_server_streaming());
        let row = unary.map(|method| {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            (path, Method { request: method.input(), reply: method.output() })
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

    /// Returns the method with this path.
    pub(crate) fn find(&self, path: &str) -> Option<&Method> {
        self.0.get(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unary_method_of_the_services_is_listed() {
        let methods = Methods::new().unwrap();
        for path in [
            "/wallet.v1.WalletService/Estimate",
            "/wallet.v1.TestClockService/AdvanceClock",
            "/grpc.health.v1.Health/Check",
        ] {
            assert!(methods.find(path).is_some(), "{path}");
        }
        assert!(methods.find("/grpc.health.v1.Health/Watch").is_none(), "a stream");
        assert!(methods.0.len() > 45, "{}", methods.0.len());
    }
}
