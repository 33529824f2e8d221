//! Every answer is read to its end and checked for completeness before the SDK reads it.
//!
//! The SDK's readers of XML take a text that ends in the middle for the whole, and a list that is missing for an empty one:
//! "nothing has this address" would be proved by a broken connection. So each answer passes through here first: the body is
//! whole ([`xml`], [`json`]), it has the members that AWS always sends ([`members`]), and it is no larger, and its list no
//! longer, than what AWS can have to say ([`bounds`]). What fails is a failed call, never a part of an answer; the SDK sends
//! it again as it does when a connection breaks.

mod bounds;
mod json;
mod members;
mod xml;

use std::error::Error;
use std::fmt;

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;

use super::http::Network;
pub(super) use bounds::bounded;
use members::Read;

/// Why an answer is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unbelieved {
    /// It ends too early, or lacks what AWS always sends. The next attempt may bring the whole.
    Incomplete(String),
    /// It is larger, or its list longer, than what AWS can have to say. Another attempt would bring the same.
    Endless(String),
}

impl fmt::Display for Unbelieved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete(why) | Self::Endless(why) => f.write_str(why),
        }
    }
}

impl Error for Unbelieved {}

impl Unbelieved {
    fn into_connector_error(self) -> ConnectorError {
        match self {
            Self::Incomplete(_) => ConnectorError::io(Box::new(self)),
            Self::Endless(_) => ConnectorError::other(Box::new(self), None),
        }
    }
}

/// What a body says about itself and its list.
struct Contents {
    /// Where the next page begins; `None` on the last one.
    next_page: Option<String>,
}

/// The same configuration, whose answers are checked.
pub(super) fn checked(config: &SdkConfig) -> SdkConfig {
    let inner = config.http_client().unwrap_or_else(|| Network::default().client());
    config.clone().into_builder().http_client(SharedHttpClient::new(Checked(inner))).build()
}

#[derive(Clone, Debug)]
struct Checked<T>(T);

impl HttpClient for Checked<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Checked(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.0.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.0.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

impl HttpConnector for Checked<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let asked = Asked::of(&request);
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut response = answer.await?;
            let body = read_to_end(&mut response).await?;
            let body = asked.check(&response, body).map_err(Unbelieved::into_connector_error)?;
            *response.body_mut() = SdkBody::from(body);
            Ok(response)
        })
    }
}

/// Reads a body, and no more of it than [`bounds::ANSWER`]. One that comes in one piece is not copied.
async fn read_to_end(response: &mut HttpResponse) -> Result<Bytes, ConnectorError> {
    let mut stream = ByteStream::new(response.take_body());
    let (mut chunks, mut length) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk: Bytes = chunk.map_err(|error| ConnectorError::io(Box::new(error)))?;
        bounds::admit(length, chunk.len()).map_err(Unbelieved::into_connector_error)?;
        length += chunk.len();
        chunks.push(chunk);
    }
    match <[Bytes; 1]>::try_from(chunks) {
        Ok([whole]) => Ok(whole),
        Err(chunks) => Ok(chunks.concat().into()),
    }
}

/// The protocol of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Xml,
}

/// What was asked.
struct Asked {
    form: Form,
    operation: String,
}

impl Asked {
    /// JSON names its operation in a header, the query protocol in the first member of the body.
    fn of(request: &HttpRequest) -> Self {
        if let Some(target) = request.headers().get("x-amz-target") {
            let operation = target.rsplit('.').next().unwrap_or(target).to_owned();
            return Self { form: Form::Json, operation };
        }
        let body = std::str::from_utf8(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let operation = body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default();
        Self { form: Form::Xml, operation: operation.to_owned() }
    }

    /// The body, if it can be believed.
    fn check(&self, response: &HttpResponse, body: Bytes) -> Result<Bytes, Unbelieved> {
        let declared = response.headers().get("content-length").and_then(|length| length.parse::<usize>().ok());
        if let Some(declared) = declared.filter(|declared| *declared != body.len()) {
            let length = body.len();
            return Err(Unbelieved::Incomplete(format!("the response has {length} bytes but declares {declared}")));
        }
        if response.status().is_success() { self.check_success(body) } else { self.check_error(body) }
    }

    fn check_success(&self, body: Bytes) -> Result<Bytes, Unbelieved> {
        let read = members::of(&self.operation);
        // The answer to a changing call may say nothing at all.
        if read.is_none() && body.is_empty() {
            return Ok(body);
        }
        let contents = self.contents(&body, read).map_err(Unbelieved::Incomplete)?;
        bounds::page(contents.next_page)?;
        Ok(body)
    }

    /// An error that ends in the middle may name another code than the one that was sent. A page of a proxy has no code: only
    /// its status counts.
    fn check_error(&self, body: Bytes) -> Result<Bytes, Unbelieved> {
        if body.is_empty() {
            return Ok(body);
        }
        match self.contents(&body, None) {
            Ok(_) => Ok(body),
            Err(_) if !is_own_form(self.form, &body) => Ok(Bytes::new()),
            Err(why) => Err(Unbelieved::Incomplete(why)),
        }
    }

    fn contents(&self, body: &[u8], read: Option<&Read>) -> Result<Contents, String> {
        match self.form {
            Form::Json => json::read(body, read),
            Form::Xml => xml::read(body, &self.operation, read),
        }
    }
}

/// Whether an error's body begins as AWS's own do.
fn is_own_form(form: Form, body: &[u8]) -> bool {
    let body = body.trim_ascii_start();
    match form {
        Form::Json => body.starts_with(b"{"),
        Form::Xml => {
            let begins =
                |text: &str| body.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()));
            body.starts_with(b"<") && !begins("<html") && !begins("<!doctype")
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;

    use super::*;

    fn check(form: Form, operation: &str, status: u16, body: &str) -> Result<String, Unbelieved> {
        let status = StatusCode::try_from(status).expect("a status");
        let response = HttpResponse::new(status, SdkBody::empty());
        let asked = Asked { form, operation: operation.to_owned() };
        let body = Bytes::copy_from_slice(body.as_bytes());
        asked.check(&response, body).map(|body| String::from_utf8(body.to_vec()).expect("text"))
    }

    /// Every prefix of an answer is refused, and the answer itself is not.
    fn only_whole(form: Form, operation: &str, status: u16, body: &str) {
        assert_eq!(check(form, operation, status, body).as_deref(), Ok(body));
        for end in 1..body.len() {
            let cut = &body[..end];
            assert!(matches!(check(form, operation, status, cut), Err(Unbelieved::Incomplete(_))), "{cut}");
        }
        for more in ["x", body] {
            let more = format!("{body}{more}");
            assert!(matches!(check(form, operation, status, &more), Err(Unbelieved::Incomplete(_))), "{more}");
        }
    }

    #[test]
    fn an_answer_that_ends_early_or_goes_on_is_refused() {
        let health = "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>\
            <member><Target><Id>i-1</Id></Target></member></TargetHealthDescriptions></DescribeTargetHealthResult>\
            <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeTargetHealthResponse>";
        only_whole(Form::Xml, "DescribeTargetHealth", 200, health);
        let interfaces = "<DescribeNetworkInterfacesResponse><requestId>r</requestId><networkInterfaceSet><item>\
            <networkInterfaceId>eni-1</networkInterfaceId></item></networkInterfaceSet></DescribeNetworkInterfacesResponse>";
        only_whole(Form::Xml, "DescribeNetworkInterfaces", 200, interfaces);
        only_whole(Form::Json, "ListTasks", 200, r#"{"taskArns":["a","b"],"nextToken":"n"}"#);
        only_whole(Form::Xml, "ModifyRule", 200, "<ModifyRuleResponse><ModifyRuleResult/></ModifyRuleResponse>");
        only_whole(Form::Json, "UpdateService", 200, r#"{"service":{}}"#);
    }

    #[test]
    fn an_error_that_ends_early_names_no_code() {
        only_whole(
            Form::Xml,
            "DescribeRules",
            400,
            "<ErrorResponse><Error><Code>RuleNotFound</Code></Error></ErrorResponse>",
        );
        only_whole(Form::Json, "ListTasks", 400, r#"{"__type":"ClusterNotFoundException"}"#);
        // A page of a proxy is no error of AWS; the status says it all.
        for page in ["<html><br>no such thing", "<!DOCTYPE html><p>", "Bad Gateway"] {
            assert_eq!(check(Form::Xml, "DescribeRules", 502, page).as_deref(), Ok(""), "{page}");
            assert_eq!(check(Form::Json, "ListTasks", 502, page).as_deref(), Ok(""), "{page}");
        }
        assert_eq!(check(Form::Xml, "DescribeRules", 503, "").as_deref(), Ok(""));
    }

    #[test]
    fn an_answer_without_its_list_is_refused_and_an_empty_list_is_a_list() {
        for read in members::READS {
            let name = read.operation;
            let form = if read.place == members::Place::Json { Form::Json } else { Form::Xml };
            let empty = match (read.place, read.kind) {
                (members::Place::Json, members::Kind::List(_)) => format!("{{\"{}\":[]}}", read.member),
                (members::Place::Json, members::Kind::Object(inner)) => {
                    format!("{{\"{}\":{{\"{inner}\":\"x\"}}}}", read.member)
                }
                (members::Place::Json, _) => "{}".to_owned(),
                (members::Place::Result, members::Kind::Text) => {
                    format!("<{name}Response><{name}Result><{0}>1</{0}></{name}Result></{name}Response>", read.member)
                }
                (members::Place::Result, _) => {
                    format!("<{name}Response><{name}Result><{}/></{name}Result></{name}Response>", read.member)
                }
                (members::Place::Root, _) => format!("<{name}Response><{}/></{name}Response>", read.member),
            };
            assert_eq!(check(form, name, 200, &empty).as_deref(), Ok(empty.as_str()));
            assert!(check(form, name, 200, "").is_err(), "{name}");
            let without: &[&str] = match read.place {
                _ if read.kind == members::Kind::Nothing => &[],
                members::Place::Json => &["{}", "[]", "null", "{\"other\":[]}"],
                members::Place::Result | members::Place::Root => {
                    &["<R/>", "<NAMEResponse/>", "<NAMEResponse><NAMEResult/></NAMEResponse>"]
                }
            };
            for body in without {
                let body = body.replace("NAME", name);
                assert!(matches!(check(form, name, 200, &body), Err(Unbelieved::Incomplete(_))), "{name}: {body}");
            }
        }
    }

    #[test]
    fn a_thing_without_its_name_makes_the_list_incomplete() {
        let list = |inner: &str| {
            let set = format!("<networkInterfaceSet>{inner}</networkInterfaceSet>");
            format!("<DescribeNetworkInterfacesResponse>{set}</DescribeNetworkInterfacesResponse>")
        };
        let named = "<item><networkInterfaceId>eni-1</networkInterfaceId></item>";
        assert!(check(Form::Xml, "DescribeNetworkInterfaces", 200, &list(named)).is_ok());
        for wrong in ["<item/>", "<item><other><networkInterfaceId>x</networkInterfaceId></other></item>"] {
            let body = list(&format!("{named}{wrong}"));
            assert!(check(Form::Xml, "DescribeNetworkInterfaces", 200, &body).is_err(), "{body}");
        }
        assert!(check(Form::Json, "DescribeTasks", 200, r#"{"tasks":[{"taskArn":"a"},{}]}"#).is_err());
        assert!(check(Form::Json, "ListTasks", 200, r#"{"taskArns":["a",null]}"#).is_err());
        assert!(check(Form::Json, "ListTasks", 200, r#"{"taskArns":null}"#).is_err());
    }
}
