//! The replies of gRPC services as replies of the Connect protocol.

use std::future::poll_fn;
use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use prost::Message;
use prost::bytes::{Buf, Bytes, BytesMut};
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::pb;

use super::json::from_message;
use super::{Codec, Method, status};
use crate::call_name::Safe;
use crate::grpc::error::RpcError;
use crate::grpc::gzip::{GZIP, deflate};
use crate::grpc::layers::{PREFIX, Reply};

/// The least bytes of a reply that is compressed.
const WORTH_PACKING: usize = 1_024;

/// Renders the reply of a gRPC service, with gzip if the caller accepts it and the reply is long.
pub(crate) async fn render(
    response: Response<Reply>,
    codec: Codec,
    method: Method,
    accepts_gzip: bool,
) -> Response<Reply> {
    let (head, mut reply) = response.into_parts();
    let read = read(&head.headers, &mut reply).await;
    let rendered = read.and_then(|message| match codec {
        Codec::Json => Ok(from_message(&message, &method.reply)?.into()),
        Codec::Proto => Ok(message),
    });
    match rendered {
        Ok(message) => {
            let content_type = match codec {
                Codec::Json => "application/json",
                Codec::Proto => "application/proto",
            };
            let packed = Some(&message).filter(|message| accepts_gzip && message.len() >= WORTH_PACKING);
            match packed.and_then(|message| deflate(message)) {
                Some(packed) => {
                    let mut response = answer(StatusCode::OK, content_type, reply.replaced(packed));
                    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(GZIP));
                    response
                }
                None => answer(StatusCode::OK, content_type, reply.replaced(message)),
            }
        }
        Err(status) => {
            let (_, http) = status::of(status.code());
            answer(http, "application/json", reply.replaced(error(&status, &method).to_string().into()))
        }
    }
}

/// Returns the reply to a call of a path that is no method of this kind.
pub(crate) fn no_method(path: &str, is_stream: bool) -> Response<Body> {
    let (code, _) = status::of(Code::Unimplemented);
    let kind = if is_stream { "streaming" } else { "unary" };
    let message = format!("there is no {kind} method {}", Safe(path.as_bytes()));
    let mut response = Response::new(Body::new(json!({ "code": code, "message": message }).to_string()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn answer(status: StatusCode, content_type: &'static str, reply: Reply) -> Response<Reply> {
    let mut response = Response::new(reply);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Returns the only message of a reply, or its status if that is not OK.
async fn read(headers: &HeaderMap, reply: &mut Reply) -> Result<Bytes, Status> {
    let mut data = BytesMut::new();
    let mut status = Status::from_header_map(headers);
    while let Some(frame) = poll_fn(|cx| http_body::Body::poll_frame(Pin::new(reply), cx)).await {
        match frame?.into_data() {
            Ok(piece) => data.extend_from_slice(&piece),
            Err(frame) => status = status.or_else(|| Status::from_header_map(frame.trailers_ref()?)),
        }
    }
    match status {
        Some(status) if status.code() != Code::Ok => return Err(status),
        _ => {}
    }
    let mut data = data.freeze();
    if data.len() < PREFIX || data[0] != 0 {
        return Err(RpcError::defect("a reply has no message").into());
    }
    data.advance(PREFIX);
    Ok(data)
}

/// Returns the JSON of an error with its details.
pub(super) fn error(status: &Status, method: &Method) -> Value {
    let (code, _) = status::of(status.code());
    let mut text = json!({ "code": code, "message": status.message() });
    let details = pb::Status::decode(status.details()).map(|status| status.details).unwrap_or_default();
    if !details.is_empty() {
        text["details"] = details.iter().map(|any| detail(any, method)).collect();
    }
    text
}

/// Returns a detail: its type, its encoded message and, for readers, its JSON.
fn detail(any: &prost_types::Any, method: &Method) -> Value {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let mut detail = json!({ "type": name, "value": STANDARD_NO_PAD.encode(&any.value) });
    let message = method.reply.parent_pool().get_message_by_name(name);
    let read = message.and_then(|message| DynamicMessage::decode(message, any.value.as_slice()).ok());
    if let Some(debug) = read.and_then(|read| serde_json::to_value(&read).ok()) {
        detail["debug"] = debug;
    }
    detail
}
