//! Actions that come before the last one: logins, and the validation of tokens.

use serde_json::{Map, Value, json};

use super::{find, number};
use crate::input::Input;
use crate::refusal::Refusal;

const OIDC: &[&str] = &["Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint", "ClientId"];
const COGNITO: &[&str] = &["UserPoolArn", "UserPoolClientId", "UserPoolDomain"];

/// The member of the configuration of a login, and the configuration.
pub fn read(action: Input, kind: &str) -> Result<(&'static str, Value), Refusal> {
    let (member, needed) = match kind {
        "authenticate-oidc" => ("AuthenticateOidcConfig", OIDC),
        "authenticate-cognito" => ("AuthenticateCognitoConfig", COGNITO),
        "jwt-validation" => ("JwtValidationConfig", &["JwksEndpoint", "Issuer"][..]),
        _ => return Err(Refusal::validation(format!("Action type '{kind}' is not valid"))),
    };
    let missing = || Refusal::validation(format!("A value for '{member}' must be specified"));
    let config = action.get(member).ok_or_else(missing)?;
    let mut shape = Map::new();
    for name in needed {
        shape.insert((*name).to_owned(), json!(find::need(config, name)?));
    }
    for name in needed.iter().filter(|name| name.ends_with("Endpoint") || **name == "Issuer") {
        let url = config.text(name).unwrap_or_default();
        if !url.starts_with("https://") {
            return Err(Refusal::validation(format!("{name} '{url}' must be a full URL with the HTTPS protocol")));
        }
    }
    if kind == "jwt-validation" {
        if let Some(claims) = config.get("AdditionalClaims") {
            shape.insert("AdditionalClaims".to_owned(), claims.0.clone());
        }
    } else {
        session(config, kind, &mut shape)?;
    }
    Ok((member, Value::Object(shape)))
}

/// The session of a login. The client's secret is never read back.
fn session(config: Input, kind: &str, shape: &mut Map<String, Value>) -> Result<(), Refusal> {
    let keeps_secret = config.flag("UseExistingClientSecret") == Some(true);
    if kind == "authenticate-oidc" && !keeps_secret {
        find::need(config, "ClientSecret")?;
    }
    if config.has("AuthenticationRequestExtraParams") {
        return Err(Refusal::validation("AuthenticationRequestExtraParams is not served here"));
    }
    let unauthenticated = config.text("OnUnauthenticatedRequest").unwrap_or("authenticate");
    if !matches!(unauthenticated, "deny" | "allow" | "authenticate") {
        let message =
            format!("OnUnauthenticatedRequest '{unauthenticated}' must be one of 'deny, allow, authenticate'");
        return Err(Refusal::validation(message));
    }
    let cookie = config.text("SessionCookieName").unwrap_or("AWSELBAuthSessionCookie");
    let timeout = number::within(config, "SessionTimeout", 1..=604_800)?.unwrap_or(604_800);
    let session = [
        ("SessionCookieName", json!(cookie)),
        ("Scope", json!(config.text("Scope").unwrap_or("openid"))),
        ("SessionTimeout", json!(timeout)),
        ("OnUnauthenticatedRequest", json!(unauthenticated)),
    ];
    shape.extend(session.map(|(name, value)| (name.to_owned(), value)));
    Ok(())
}
