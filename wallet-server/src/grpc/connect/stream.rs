//! Replies that are streams, as in the Connect protocol: each message has a flag and a length, and the last one has the
//! error of the stream, if any.

use http::{HeaderMap, Response, StatusCode};
use prost::bytes::{Buf, BufMut, Bytes, BytesMut};
use tonic::Status;

use super::json::from_message;
use super::reply::{answer, error};
use super::{Codec, Method};
use crate::grpc::layers::{PREFIX, Reply};

/// The flag of the last message.
const END: u8 = 2;

/// The conversion of the messages of a gRPC reply.
#[derive(Debug)]
pub(crate) struct Envelopes {
    codec: Codec,
    method: Method,
    /// The incomplete message at the end of the data.
    partial: BytesMut,
}

/// Renders the reply of a gRPC service as a stream. Its HTTP status is 200 also if it is an error.
pub(crate) fn render_stream(response: Response<Reply>, codec: Codec, method: Method) -> Response<Reply> {
    let (head, reply) = response.into_parts();
    let envelopes = Envelopes { codec, method, partial: BytesMut::new() };
    let reply = match head.headers.contains_key(Status::GRPC_STATUS) {
        true => reply.replaced(envelopes.end(&head.headers)),
        false => reply.with_envelopes(envelopes),
    };
    let content_type = match codec {
        Codec::Json => "application/connect+json",
        Codec::Proto => "application/connect+proto",
    };
    answer(StatusCode::OK, content_type, reply)
}

impl Envelopes {
    /// Returns the messages that are complete with the next bytes of the gRPC reply.
    pub(crate) fn messages(&mut self, data: Bytes) -> Result<Bytes, Status> {
        if self.codec == Codec::Proto {
            // A message has the same form in both protocols.
            return Ok(data);
        }
        self.partial.extend_from_slice(&data);
        let mut complete = BytesMut::new();
        while let Some((&[_, a, b, c, d], rest)) = self.partial.split_first_chunk::<PREFIX>() {
            let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
            if rest.len() < length {
                break;
            }
            self.partial.advance(PREFIX);
            let message = self.partial.split_to(length);
            put(&mut complete, 0, &from_message(&message, &self.method.reply)?);
        }
        Ok(complete.freeze())
    }

    /// Returns the last message for these trailers.
    pub(crate) fn end(&self, trailers: &HeaderMap) -> Bytes {
        let status = Status::from_header_map(trailers).filter(|status| status.code() != tonic::Code::Ok);
        let text = status.map_or_else(
            || serde_json::json!({}),
            |status| serde_json::json!({ "error": error(&status, &self.method) }),
        );
        let mut end = BytesMut::new();
        put(&mut end, END, text.to_string().as_bytes());
        end.freeze()
    }
}

fn put(messages: &mut BytesMut, flag: u8, message: &[u8]) {
    messages.put_u8(flag);
    // A message of a reply is far below 4 GiB.
    messages.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    messages.put_slice(message);
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use wallet_proto::v1;

    use super::super::Methods;
    use super::*;
    use crate::grpc::layers::prefixed;

    fn envelopes(codec: Codec) -> Envelopes {
        let method = Methods::new().unwrap().find("/wallet.v1.EventService/WatchFeed", true).unwrap().clone();
        Envelopes { codec, method, partial: BytesMut::new() }
    }

    #[test]
    fn messages_in_pieces_of_any_size_become_the_same_texts() {
        let message =
            |position| v1::WatchFeedResponse { next_after_position: position, ..Default::default() };
        let [one, two] = [7, 8].map(|n| prefixed(&message(n).encode_to_vec()).unwrap());
        let all = Bytes::from([one, two].concat());
        let expected = b"\0\0\0\0\x19{\"nextAfterPosition\":\"7\"}\0\0\0\0\x19{\"nextAfterPosition\":\"8\"}";
        for cut in 0..=all.len() {
            let mut envelopes = envelopes(Codec::Json);
            let parts = [all.slice(..cut), all.slice(cut..)].map(|part| envelopes.messages(part).unwrap());
            assert_eq!(parts.concat(), expected, "{cut}");
        }
        assert_eq!(envelopes(Codec::Proto).messages(all.clone()).unwrap(), all);
    }

    #[test]
    fn the_last_message_has_the_error() {
        let trailers = |status: Status| status.into_http::<()>().headers().clone();
        let end = |status| envelopes(Codec::Json).end(&trailers(status));
        assert_eq!(end(Status::ok("")).as_ref(), b"\x02\0\0\0\x02{}");
        let lost = end(Status::unavailable("away"));
        let text: serde_json::Value = serde_json::from_slice(&lost[PREFIX..]).unwrap();
        assert_eq!(text, serde_json::json!({ "error": { "code": "unavailable", "message": "away" } }));
    }
}
