//! The wire format of the credit wallet: the code generated from `proto/wallet/v1`, the codec of its servers, the
//! contract of its errors, the scopes of its methods, and the requests that wallet tokens may make.
//!
//! The server implements the services of [`v1`] and the client crate calls them. Both use the same message types.
#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::all, rustdoc::all)]

pub mod codec;
mod error_detail;
mod messages;
pub mod reasons;
pub mod scopes;
pub mod wallet_tokens;

/// The package `wallet.v1`: messages, clients and servers.
pub mod v1 {
    tonic::include_proto!("wallet.v1");
    include!(concat!(env!("OUT_DIR"), "/servers/wallet.v1.rs"));
}

/// The encoded `FileDescriptorSet` of all protos, with imports, comments and custom options.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
