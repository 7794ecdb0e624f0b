//! The wire format of the credit wallet: everything generated from `proto/wallet/v1`, and the codec of its servers.
//!
//! The server implements [`v1`]'s services, the client crate calls them; both share these messages.
#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::all, rustdoc::all)]

pub mod codec;
mod messages;

/// Package `wallet.v1`: messages, clients and servers.
pub mod v1 {
    tonic::include_proto!("wallet.v1");
    include!(concat!(env!("OUT_DIR"), "/servers/wallet.v1.rs"));
}

/// The encoded `FileDescriptorSet` of the package and what it imports; feeds server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
