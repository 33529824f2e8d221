//! `--notify-url`: the JSON of a pass, posted to whom it may concern.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

use super::environment;
use super::failure::Failure;
use super::signals::Signals;
use super::terminal::{Terminal, note};
use crate::aws::post::{LIMITS, Post, post};
use crate::report::text::plain;

/// Text that must not be shown, such as a URL with a password: not even when it is wrong.
#[derive(Clone)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// Somebody who wants to be told.
pub struct Notice {
    /// Scheme, host and port: path and query of a hook are secrets as often as its password.
    shown: String,
    uri: String,
    user: Option<(String, String)>,
}

impl Notice {
    /// Reads `--notify-url`. What is wrong with it is said without repeating it.
    pub fn to(url: &Secret) -> Result<Self, Failure> {
        let wrong = |what: &str| {
            let hint =
                "write it like https://hooks.example.com/portolan or https://USER:PASSWORD@hooks.example.com/portolan";
            Failure::new(format!("--notify-url {what}"), Some(hint.to_owned()))
        };
        let mut url = Url::parse(&url.0).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("is neither http nor https"));
        }
        let host = url.host_str().ok_or_else(|| wrong("has no host"))?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let shown = plain(&format!("{}://{host}{port}", url.scheme()));
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = (!url.username().is_empty() || url.password().is_some())
            .then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default())));
        // The two cannot fail: a URL with a host can have a user, and so can have none.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        url.set_fragment(None);
        Ok(Self { shown, uri: url.into(), user })
    }

    /// Sends a document. When it does not arrive, a warning is all there is: the exit code is the pass's, and it is not 0.
    pub async fn send(self, document: String, terminal: Terminal, signals: &Signals) {
        let Self { shown, uri, user } = self;
        let request = Post { uri, user, body: document, no_proxy: environment::no_proxy() };
        let sent = tokio::select! {
            biased;
            () = signals.token().cancelled() => Err("interrupted".to_owned()),
            sent = post(&request, &LIMITS) => sent.map_err(|error| error.to_string()),
        };
        match sent {
            Ok(()) => terminal.progress(&format!("portolan: notified {shown}")),
            Err(why) => note(&format!("warning: could not notify {shown}: {}", plain(&why))),
        }
    }
}
