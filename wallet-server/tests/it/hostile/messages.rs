//! Requests that are not gRPC calls or do not decode: each is answered with its fault, and nothing is executed.

use prost::Message;
use tonic::Code;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::{Channel, Endpoint};
use tonic_types::StatusExt;
use tower::{Service, ServiceExt};
use wallet_client::v1;
use wallet_client::v1::wallet_service_client::WalletServiceClient;

use crate::fuzz::raw;
use crate::harness::{Server, video};

const RESERVE: &str = "/wallet.v1.WalletService/Reserve";

async fn channel(server: &Server) -> Channel {
    Endpoint::new(server.endpoint()).unwrap().connect().await.unwrap()
}

/// The gRPC frame of a message.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

/// 100 operations, each as large as allowed.
fn the_most_operations() -> v1::EstimateManyRequest {
    let name = |n: usize| format!("{n:0>128}");
    let one = (0..32).fold(v1::Operation::new("video.generate"), |operation, n| {
        operation.attribute(name(n), "v".repeat(256)).quantity(name(n), "1")
    });
    v1::EstimateManyRequest { operations: vec![one; 100], ..Default::default() }
}

each_database! {
    async fn requests_that_are_not_grpc_posts_are_refused_and_not_executed(server: Server) {
        let client = server.wallet("w", 100).await;
        let mut channel = channel(&server).await;
        let body = framed(&v1::ReserveRequest::new("w", "j", video("1")).encode_to_vec());
        for (method, content_type, status) in [
            ("GET", "application/grpc", 405),
            ("PUT", "application/grpc", 405),
            ("POST", "application/json", 400),
            ("POST", "application/grpc+json", 415),
            ("POST", "text/plain", 415),
        ] {
            let request = http::Request::builder().method(method).uri(RESERVE).header("content-type", content_type);
            let request = request.body(tonic::body::Body::new(String::from_utf8(body.clone()).unwrap())).unwrap();
            let answer = channel.ready().await.unwrap().call(request).await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{method} {content_type}");
        }
        assert!(!client.reserve(v1::ReserveRequest::new("w", "j", video("1"))).await.unwrap().replayed);
    }

    async fn bytes_that_do_not_decode_are_the_callers_fault(server: Server) {
        let channel = channel(&server).await;
        for bytes in [&b"\x0a\xff"[..], b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0a\x02\xff\xfe", b"\x0f"] {
            let status = raw::call(&channel, RESERVE, bytes.to_vec()).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
            assert_eq!(status.get_error_details().error_info().unwrap().reason, "MALFORMED_MESSAGE");
        }
    }

    async fn a_message_is_as_large_as_its_method_promises_and_too_large_ones_name_the_limit(server: Server) {
        let mut client = WalletServiceClient::new(channel(&server).await);
        let most = the_most_operations();
        assert!(most.encoded_len() > 1_000_000);
        let answer = client.estimate_many(most).await.unwrap().into_inner();
        assert_eq!(answer.results.len(), 100);
        let huge = v1::ReserveRequest::new("w", "j", video("1")).with_actor("x".repeat(65 * 1024));
        let status = client.reserve(huge.clone()).await.unwrap_err();
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((status.code(), info.reason.as_str()), (Code::InvalidArgument, "MESSAGE_TOO_LARGE"));
        assert_eq!(info.metadata["limit"], "65536");
        assert_eq!(info.metadata["bytes"], huge.encoded_len().to_string());
    }

    async fn gzip_is_accepted_in_both_directions_and_bounded_after_decompression(server: Server) {
        server.wallet("w", 100).await;
        let channel = channel(&server).await;
        let mut client =
            WalletServiceClient::new(channel.clone()).send_compressed(Gzip).accept_compressed(Gzip);
        assert!(!client.reserve(v1::ReserveRequest::new("w", "j", video("1"))).await.unwrap().into_inner().replayed);
        let answer = client.estimate_many(the_most_operations()).await.unwrap();
        assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), "gzip");
        assert_eq!(answer.into_inner().results.len(), 100);
        // A few kilobytes that become 32 MiB.
        let bomb = v1::ReserveRequest::new("w", "j", video("1")).with_actor("x".repeat(32 * 1024 * 1024));
        let status = client.reserve(bomb).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(status.get_error_details().error_info().unwrap().metadata["limit"], "65536");
        assert!(client.reserve(v1::ReserveRequest::new("w", "j", video("1"))).await.unwrap().into_inner().replayed);
    }
}
