//! What an encrypted listener needs: a certificate and a policy.

use serde_json::{Value, json};

use super::find;
use crate::input::Input;
use crate::refusal::Refusal;
use crate::state::State;

/// AWS's default where a call names none.
const DEFAULT_POLICY: &str = "ELBSecurityPolicy-2016-08";

/// Whether a protocol needs a certificate.
pub fn is_secure(protocol: &str) -> bool {
    matches!(protocol, "HTTPS" | "TLS")
}

/// The certificate and the policy of a listener of a protocol; what a call leaves out stays as it is.
pub fn read(
    state: &State,
    input: Input,
    protocol: &str,
    standing: (&[String], Option<&str>),
) -> Result<(Vec<String>, Option<String>), Refusal> {
    for member in ["AlpnPolicy", "MutualAuthentication"] {
        let is_off = input.get(member).is_none_or(|given| given.text("Mode") == Some("off"));
        if !is_off {
            return Err(Refusal::validation(format!("{member} is not served here")));
        }
    }
    let given: Vec<Input> = input.list("Certificates").collect();
    if !is_secure(protocol) {
        if !given.is_empty() || input.has("SslPolicy") {
            let message = format!("Certificates and security policies cannot be specified for {protocol} listeners");
            return Err(Refusal::new("InvalidConfigurationRequest", message));
        }
        return Ok((Vec::new(), None));
    }
    let certificates = match given.as_slice() {
        [] if standing.0.is_empty() => {
            return Err(Refusal::validation(format!("A certificate must be specified for {protocol} listeners")));
        }
        [] => standing.0.to_vec(),
        [one] => vec![certificate(state, *one)?],
        _ => return Err(Refusal::validation("You must provide exactly one certificate")),
    };
    let policy = input.text("SslPolicy").or(standing.1).unwrap_or(DEFAULT_POLICY);
    if !policy.starts_with("ELBSecurityPolicy-") {
        return Err(Refusal::new("SSLPolicyNotFound", format!("SSL policy '{policy}' not found")));
    }
    Ok((certificates, Some(policy.to_owned())))
}

/// Certificates are not kept here: one stands if its ARN is of this region, or of IAM, which has none.
fn certificate(state: &State, given: Input) -> Result<String, Refusal> {
    if given.has("IsDefault") {
        return Err(Refusal::validation("IsDefault cannot be specified for the certificate of a listener"));
    }
    let arn = find::need(given, "CertificateArn")?;
    let acm = format!("arn:aws:acm:{}:", state.region);
    let is_iam = arn.starts_with("arn:aws:iam::") && arn.contains(":server-certificate/");
    if !(is_iam || arn.starts_with(&acm) && arn.contains(":certificate/")) {
        return Err(Refusal::new("CertificateNotFound", format!("Certificate '{arn}' not found")));
    }
    Ok(arn.to_owned())
}

/// Certificates as a listener shows them.
pub fn shown(certificates: &[String]) -> Option<Vec<Value>> {
    let shown = || certificates.iter().map(|arn| json!({"CertificateArn": arn})).collect();
    (!certificates.is_empty()).then(shown)
}
