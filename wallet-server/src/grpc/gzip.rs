//! gzip of requests and replies. A request is bounded before and after decompression, by the limit of its method.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use prost::bytes::Bytes;

use crate::grpc::error::RpcError;

/// The name of the encoding in headers.
pub(crate) const GZIP: &str = "gzip";

/// Decompresses a request of at most `limit` bytes.
pub(crate) fn inflate(packed: &[u8], limit: usize) -> Result<Bytes, RpcError> {
    let mut plain = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(packed).take(most).read_to_end(&mut plain);
    if plain.len() > limit {
        return Err(RpcError::too_large_inflated(limit));
    }
    read.map_err(|_| RpcError::malformed("is not valid gzip"))?;
    Ok(plain.into())
}

/// Compresses a reply. `None`: there is no memory for it, so it is sent as it is.
pub(crate) fn deflate(plain: &[u8]) -> Option<Bytes> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(plain).ok()?;
    packer.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use tonic::Status;
    use tonic_types::StatusExt;

    use super::*;

    fn fault(packed: &[u8], limit: usize) -> String {
        let status = Status::from(inflate(packed, limit).unwrap_err());
        let info = status.get_error_details().error_info().unwrap().clone();
        format!("{} {:?}: {}", info.reason, info.metadata.get("limit"), status.message())
    }

    #[test]
    fn a_message_is_unpacked_up_to_its_limit_and_not_beyond() {
        let text = "credits ".repeat(1_000);
        let packed = deflate(text.as_bytes()).unwrap();
        assert!(packed.len() < 100, "{}", packed.len());
        assert_eq!(inflate(&packed, text.len()).unwrap(), text);
        assert_eq!(
            fault(&packed, text.len() - 1),
            "MESSAGE_TOO_LARGE Some(\"7999\"): the request message has more than the 7999 bytes after decompression \
             that are allowed for this method"
        );
        let bomb = deflate(&vec![0; 64 << 20]).unwrap();
        assert!(fault(&bomb, 65_536).starts_with("MESSAGE_TOO_LARGE"));
        // Members follow each other in one message.
        let twice = [&packed[..], &packed].concat();
        assert_eq!(inflate(&twice, 2 * text.len()).unwrap().len(), 2 * text.len());
        assert!(fault(&twice, 2 * text.len() - 1).starts_with("MESSAGE_TOO_LARGE"));
        assert_eq!(inflate(&deflate(b"").unwrap(), 0).unwrap(), "");
    }

    #[test]
    fn bytes_that_are_not_gzip_are_the_callers_fault() {
        let packed = deflate(b"credits").unwrap();
        let mut other_sum = packed.to_vec();
        let sum = packed.len() - 8;
        other_sum[sum] ^= 1;
        for bytes in
            [&b"x"[..], b"{\"walletId\":\"w\"}", &packed[..packed.len() - 1], &packed[..5], &other_sum]
        {
            assert_eq!(fault(bytes, 100), "MALFORMED_MESSAGE None: the request message is not valid gzip");
        }
    }
}
