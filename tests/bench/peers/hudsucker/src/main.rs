//! A proxy on hudsucker (hyper, rustls) that does gitlatch's job, after the library's example `log.rs`: the benchmark's
//! peer. Ends the client's TLS with certificates of a CA, which it keeps; adds the Authorization; verifies the origin.
//!
//! hudsucker LISTEN_PORT CA_PEM CA_KEY ORIGIN_CA ORIGIN_PORT AUTHORIZATION
use std::{env, fs, io::BufReader, net::SocketAddr, sync::Arc};

use hudsucker::{
    certificate_authority::RcgenAuthority,
    hyper::{
        header::{HeaderValue, AUTHORIZATION},
        http::uri::{Authority, Scheme},
        Request, Uri,
    },
    rcgen::{Issuer, KeyPair},
    rustls::{crypto::aws_lc_rs, pki_types::ServerName, ClientConfig, RootCertStore},
    Body, HttpContext, HttpHandler, Proxy, RequestOrResponse,
};
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder};

#[derive(Clone)]
struct Credential {
    authorization: HeaderValue,
    origin: Authority,
}

impl HttpHandler for Credential {
    async fn handle_request(&mut self, _ctx: &HttpContext, mut request: Request<Body>) -> RequestOrResponse {
        if request.method() != "CONNECT" {
            let mut parts = request.uri().clone().into_parts();
            parts.scheme = Some(Scheme::HTTPS);
            parts.authority = Some(self.origin.clone());
            *request.uri_mut() = Uri::from_parts(parts).expect("a URI");
            request.headers_mut().insert("host", HeaderValue::from_static("github.com"));
            request.headers_mut().insert(AUTHORIZATION, self.authorization.clone());
        }
        request.into()
    }
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let read = |number: usize| fs::read_to_string(&arguments[number]).expect("a readable file");
    let port: u16 = arguments[1].parse().expect("a port");
    let key = KeyPair::from_pem(&read(3)).expect("a private key");
    let issuer = Issuer::from_ca_cert_pem(&read(2), key).expect("a CA's certificate");
    let mut roots = RootCertStore::empty();
    for certificate in rustls_pemfile::certs(&mut BufReader::new(read(4).as_bytes())) {
        roots.add(certificate.expect("a certificate")).expect("a root");
    }
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_only()
        .with_server_name_resolver(FixedServerNameResolver::new(ServerName::try_from("github.com").expect("a name")))
        .enable_http1()
        .build();
    let handler = Credential {
        authorization: HeaderValue::from_str(&arguments[6]).expect("a header value"),
        origin: format!("127.0.0.1:{}", arguments[5]).parse().expect("an authority"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        Proxy::builder()
            .with_addr(SocketAddr::from(([127, 0, 0, 1], port)))
            .with_ca(RcgenAuthority::new(issuer, 1_000, aws_lc_rs::default_provider()))
            .with_http_connector(connector)
            .with_http_handler(handler)
            .build()
            .expect("a proxy")
            .start()
            .await
            .expect("it runs");
    });
}
