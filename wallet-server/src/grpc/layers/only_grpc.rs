//! The check that a request is a gRPC call. Other requests than a POST of `application/grpc` get an HTTP error.

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use tonic::body::Body;

/// Returns the HTTP error for a request that is not a gRPC call.
pub(crate) fn not_grpc<B>(request: &Request<B>) -> Option<Response<Body>> {
    if request.method() != Method::POST {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "gRPC calls are POST requests\n");
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return Some(answer);
    }
    let grpc = is_grpc(request.headers());
    (!grpc).then(|| plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type must be application/grpc\n"))
}

/// Returns whether the content type is `application/grpc` or `application/grpc+proto`, with or without parameters.
fn is_grpc(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(first), None) = (types.next(), types.next()) else { return false };
    let Ok(first) = first.to_str() else { return false };
    let name = first.split(';').next().unwrap_or_default().trim_end();
    ["application/grpc", "application/grpc+proto"].iter().any(|grpc| name.eq_ignore_ascii_case(grpc))
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::new(text.to_owned()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_post_of_grpc_is_a_call() {
        let with = |method: Method, types: &[&str]| {
            let mut request = Request::builder().method(method);
            for value in types {
                request = request.header("content-type", *value);
            }
            not_grpc(&request.body(()).unwrap()).map(|answer| answer.status().as_u16())
        };
        for fine in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;charset=utf-8",
            "Application/GRPC",
        ] {
            assert_eq!(with(Method::POST, &[fine]), None, "{fine}");
        }
        for method in [Method::GET, Method::PUT, Method::HEAD, Method::OPTIONS] {
            assert_eq!(with(method, &["application/grpc"]), Some(405));
        }
        for wrong in [
            &[][..],
            &[""],
            &["text/plain"],
            &["application/json"],
            &["application/grpc+json"],
            &["application/grpc-web"],
            &["application/grpcx"],
            &["application/grpc", "application/grpc"],
        ] {
            assert_eq!(with(Method::POST, wrong), Some(415), "{wrong:?}");
        }
    }
}
