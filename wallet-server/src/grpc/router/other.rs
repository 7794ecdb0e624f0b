//! Calls of other protocols than gRPC: they become gRPC calls, and their replies are rendered for their callers.

use http::{HeaderValue, Request, Response, header};
use prost::bytes::Bytes;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use super::{Calls, RequestBody, Work};
use crate::grpc::connect::{self, Codec, Converted, Encoding, Method, Unread};
use crate::grpc::layers::{CallerCheck, Messages, Protocol, Reply, no_post};
use crate::grpc::origins;
use crate::grpc::transport::CertificateKey;

/// Balances and prices change, and what one key may see is not for others.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const GRPC_WEB: HeaderValue = HeaderValue::from_static("application/grpc-web+proto");

/// The rendering of a reply.
#[derive(Debug)]
pub(super) struct Rendering {
    form: Form,
    /// The origin of the web page that called.
    origin: Option<HeaderValue>,
}

#[derive(Debug)]
enum Form {
    /// The reply is an HTTP reply already.
    Plain,
    /// True: the caller accepts gzip.
    Connect(Codec, Method, bool),
    /// By GET: like `Connect`, and the reply is stored nowhere.
    ConnectGet(Codec, Method, bool),
    ConnectStream(Codec, Method),
    GrpcWeb,
}

impl Rendering {
    pub(super) async fn render(self, response: Response<Reply>) -> Response<Reply> {
        let mut response = match self.form {
            Form::Plain => response,
            Form::Connect(codec, method, accepts_gzip) => {
                connect::render(response, codec, method, accepts_gzip).await
            }
            Form::ConnectGet(codec, method, accepts_gzip) => {
                let mut response = connect::render(response, codec, method, accepts_gzip).await;
                response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
                response
            }
            Form::ConnectStream(codec, method) => connect::render_stream(response, codec, method),
            Form::GrpcWeb => {
                let mut response = response.map(Reply::with_trailers_as_data);
                response.headers_mut().insert(header::CONTENT_TYPE, GRPC_WEB);
                response
            }
        };
        if let Some(origin) = self.origin {
            origins::admit(response.headers_mut(), origin);
        }
        response
    }
}

impl<B: RequestBody> Calls<B> {
    /// Returns the work of a call, its deadline and the rendering of its reply.
    pub(super) fn other(
        &self,
        request: Request<B>,
        protocol: Result<Protocol, Box<Response<Body>>>,
        started: Instant,
    ) -> (Work, Instant, Option<Box<Rendering>>) {
        let rendered = |origin, form| Some(Box::new(Rendering { form, origin }));
        let origin = match self.0.origins.check(request.headers()) {
            Ok(origin) => origin,
            Err(refused) => {
                drop(Unread::new(request.into_body()));
                return (Err(refused), started, None);
            }
        };
        match protocol {
            Ok(Protocol::Connect(codec)) => {
                let accepts_gzip = connect::accepts_gzip(request.headers());
                match self.connect(request.map(Unread::new), codec, false, None, started) {
                    Ok((handler, deadline, method)) => {
                        (handler, deadline, rendered(origin, Form::Connect(codec, method, accepts_gzip)))
                    }
                    Err(refused) => (Err(refused), started, rendered(origin, Form::Plain)),
                }
            }
            Ok(Protocol::ConnectStream(codec)) => {
                match self.connect(request.map(Unread::new), codec, true, None, started) {
                    Ok((handler, deadline, method)) => {
                        (handler, deadline, rendered(origin, Form::ConnectStream(codec, method)))
                    }
                    Err(refused) => (Err(refused), started, rendered(origin, Form::Plain)),
                }
            }
            Ok(Protocol::ConnectGet) => match self.get(request.map(Unread::new), started) {
                Ok((handler, deadline, form)) => (handler, deadline, rendered(origin, form)),
                Err(refused) => (Err(refused), started, rendered(origin, Form::Plain)),
            },
            Ok(Protocol::Grpc | Protocol::GrpcWeb) => {
                let (handler, deadline) = self.grpc(request, started);
                (handler, deadline, rendered(origin, Form::GrpcWeb))
            }
            Err(refused) => {
                let asks = origin.is_some() && origins::is_preflight(&request);
                let answer = if asks { Box::new(origins::preflight()) } else { refused };
                drop(Unread::new(request.into_body()));
                (Err(answer), started, rendered(origin, Form::Plain))
            }
        }
    }

    /// Returns the work of the handler of a call by GET, its deadline and the form of its reply, or the reply to a
    /// request that is no such call.
    ///
    /// A browser names no origin when a page reads from its own host, and that host's name may have been made to lead
    /// here. So these calls need a key, which such a page does not have; a certificate does not stand for one.
    fn get(
        &self,
        mut request: Request<Unread<B>>,
        started: Instant,
    ) -> Result<(Work, Instant, Form), Box<Response<Body>>> {
        let method = self.0.methods.safe(request.uri().path());
        let method = method.filter(|_| matches!(self.0.caller_check, CallerCheck::Keys(_))).cloned();
        let method = method.ok_or_else(|| no_post(request.method()))?;
        // Browsers present certificates for any page.
        request.extensions_mut().remove::<CertificateKey>();
        let accepts_gzip = connect::accepts_gzip(request.headers());
        match connect::by_post(&mut request) {
            Ok((codec, message)) => {
                let (handler, deadline, method) =
                    self.connect(request, codec, false, Some(message), started)?;
                Ok((handler, deadline, Form::ConnectGet(codec, method, accepts_gzip)))
            }
            Err(error) => {
                let refused = Box::new(Status::from(error).into_http());
                Ok((Err(refused), started, Form::ConnectGet(Codec::Json, method, accepts_gzip)))
            }
        }
    }

    /// Returns the work of the handler of a call of the Connect protocol, its deadline and its method, or the reply to
    /// a call that no method answers. `message` is the one of a call by GET.
    fn connect(
        &self,
        mut request: Request<Unread<B>>,
        codec: Codec,
        is_stream: bool,
        message: Option<Bytes>,
        started: Instant,
    ) -> Result<(Work, Instant, Method), Box<Response<Body>>> {
        let path = request.uri().path();
        let method = self.0.methods.find(path, is_stream);
        let method = method.ok_or_else(|| Box::new(connect::no_method(path, is_stream)))?.clone();
        let most = self.0.limits.request_bytes(path);
        let deadline = started + connect::time_left(request.headers(), self.0.limits.longest_call);
        let handler = match connect::grpc_headers(request.headers_mut(), is_stream) {
            Ok(is_gzip) => {
                let encoding = Encoding { codec, is_gzip, is_enveloped: is_stream };
                let converted = |body| {
                    let converted = Converted::new(body, encoding, &method, most);
                    Messages::Converted(Box::new(match &message {
                        Some(message) => converted.with_message(message),
                        None => converted,
                    }))
                };
                self.handler(request.map(converted), deadline)
            }
            Err(status) => Err(Box::new(status.into_http())),
        };
        Ok((handler, deadline, method))
    }
}
