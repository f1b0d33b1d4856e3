//! What providers tell applications unasked: that a user left, or that an address or an account changed.
//!
//! A notice is made here and delivered by the caller, as often as it likes: a second delivery is a replay, and one
//! made under [`Quirk::UnpublishedKey`] has a signature nobody can verify.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::keys::Which;
use super::person::Person;
use super::quirk::Quirk;
use super::reply;
use super::settings::{Provider, ProviderClient};
use super::simulator::{Simulator, Simulators};
use super::state::owner;
use crate::jose::{Error, sign};
use crate::model::digest::{b64, hmac_sha256};

/// What happened at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The user disconnected the application.
    Unlinked,
    /// The user closed the account.
    AccountDeleted,
    /// Google: the account was locked because somebody else got in.
    AccountDisabled,
    /// Google and Kakao: all sessions were ended.
    SessionsRevoked,
    /// Apple: the relay address stopped forwarding.
    EmailDisabled,
    /// Apple: the relay address forwards again.
    EmailEnabled,
}

/// A request to be sent to the application's inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRequest {
    /// Media type of the body; the method is `POST`.
    pub content_type: &'static str,
    /// The `Authorization` header, where the provider sends one.
    pub authorization: Option<String>,
    /// The body.
    pub body: String,
}

const SECEVENT: &str = "https://schemas.openid.net/secevent";

impl Simulators {
    /// Lets something happen and gives the provider's word of it. `None` when this provider never tells (LINE, most
    /// things elsewhere) or knows no such application or person.
    pub fn notice(&self, provider: Provider, client_id: &str, person: &str, notice: Notice) -> Option<NoticeRequest> {
        let simulator = self.simulator(provider)?;
        let client = simulator.client(client_id)?;
        let person = simulator.state().person(person)?;
        let request = match provider {
            Provider::Google => google(simulator, &client, &person, notice),
            Provider::Apple => apple(simulator, &client, &person, notice),
            Provider::Kakao => kakao(simulator, &client, &person, notice),
            Provider::Facebook => facebook(simulator, &client, &person, notice),
            Provider::Naver | Provider::Line => None,
        };
        if matches!(notice, Notice::Unlinked | Notice::AccountDeleted) {
            simulator.state().unlink(owner(&client), &person.id);
        }
        request
    }
}

fn signed(simulator: &Simulator, typ: &str, claims: &Value) -> Result<String, Error> {
    let which = if simulator.has(&Quirk::UnpublishedKey) { Which::Unpublished } else { Which::First };
    sign(&simulator.keys.key(simulator.provider, which)?, typ, claims)
}

/// A Security Event Token [RFC 8417], which has no expiry.
fn secevent(simulator: &Simulator, issuer: &str, client: &ProviderClient, sub: &str, event: &Value) -> Option<String> {
    let mut claims = json!({
        "iss": issuer, "aud": client.client_id, "iat": simulator.now().0, "jti": simulator.random.handle(),
        "events": event,
    });
    if simulator.provider == Provider::Kakao {
        reply::put(&mut claims, "sub", sub);
        reply::put(&mut claims, "toe", simulator.now().0);
        reply::put(&mut claims, "txn", simulator.random.handle());
    }
    signed(simulator, "secevent+jwt", &claims).ok()
}

/// Cross-Account Protection: the issuer has a trailing slash here.
fn google(simulator: &Simulator, client: &ProviderClient, person: &Person, notice: Notice) -> Option<NoticeRequest> {
    let issuer = simulator.url("/");
    let sub = simulator.subject(client, person);
    let mut about = json!({ "subject": { "subject_type": "iss-sub", "iss": issuer, "sub": sub } });
    let kind = match notice {
        Notice::Unlinked => "oauth/event-type/tokens-revoked",
        Notice::AccountDeleted => "risc/event-type/account-purged",
        Notice::SessionsRevoked => "risc/event-type/sessions-revoked",
        Notice::AccountDisabled => {
            reply::put(&mut about, "reason", "hijacking");
            "risc/event-type/account-disabled"
        }
        Notice::EmailDisabled | Notice::EmailEnabled => return None,
    };
    let body = secevent(simulator, &issuer, client, &sub, &json!({ format!("{SECEVENT}/{kind}"): about }))?;
    Some(NoticeRequest { content_type: "application/secevent+jwt", authorization: None, body })
}

/// The events are JSON in a JSON string.
fn apple(simulator: &Simulator, client: &ProviderClient, person: &Person, notice: Notice) -> Option<NoticeRequest> {
    let kind = match notice {
        Notice::Unlinked => "consent-revoked",
        Notice::AccountDeleted => "account-delete",
        Notice::EmailDisabled => "email-disabled",
        Notice::EmailEnabled => "email-enabled",
        Notice::AccountDisabled | Notice::SessionsRevoked => return None,
    };
    let now = simulator.now().0;
    let mut event = json!({ "type": kind, "sub": simulator.subject(client, person), "event_time": now * 1000 });
    if matches!(notice, Notice::EmailDisabled | Notice::EmailEnabled) {
        reply::put(&mut event, "email", person.relay_email.clone()?);
        reply::put(&mut event, "is_private_email", "true");
    }
    let claims = json!({
        "iss": simulator.base(), "aud": client.client_id, "iat": now, "jti": simulator.random.handle(),
        "events": event.to_string(),
    });
    let body = json!({ "payload": signed(simulator, "JWT", &claims).ok()? }).to_string();
    Some(NoticeRequest { content_type: "application/json", authorization: None, body })
}

/// Leaving is told by a form under the admin key, the rest by a token.
fn kakao(simulator: &Simulator, client: &ProviderClient, person: &Person, notice: Notice) -> Option<NoticeRequest> {
    let sub = simulator.subject(client, person);
    let referrer = match notice {
        Notice::Unlinked => "UNLINK_FROM_APPS",
        Notice::AccountDeleted => "ACCOUNT_DELETE",
        Notice::SessionsRevoked => {
            let issuer = simulator.base();
            let about = json!({ "subject": { "subject_type": "iss-sub", "iss": issuer, "sub": sub } });
            let event = json!({ format!("{SECEVENT}/risc/event-type/sessions-revoked"): about });
            let body = secevent(simulator, &issuer, client, &sub, &event)?;
            return Some(NoticeRequest { content_type: "application/secevent+jwt", authorization: None, body });
        }
        _ => return None,
    };
    let app_id = simulator.clients().iter().position(|known| known.client_id == client.client_id)? + 1_200_001;
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("app_id", app_id.to_string().as_str()), ("user_id", &sub), ("referrer_type", referrer)])
        .finish();
    let key = client.admin_key.as_ref()?;
    let authorization = Some(format!("KakaoAK {}", key.expose()));
    Some(NoticeRequest { content_type: "application/x-www-form-urlencoded", authorization, body })
}

/// `signed_request`: the signature stands before what it signs. The deletion callback gets the same.
fn facebook(simulator: &Simulator, client: &ProviderClient, person: &Person, notice: Notice) -> Option<NoticeRequest> {
    if !matches!(notice, Notice::Unlinked | Notice::AccountDeleted) {
        return None;
    }
    let payload = json!({
        "user_id": simulator.subject(client, person), "algorithm": "HMAC-SHA256", "issued_at": simulator.now().0,
    });
    let payload = b64(payload.to_string().as_bytes());
    let secret = if simulator.has(&Quirk::UnpublishedKey) { "" } else { client.client_secret.expose().as_str() };
    let body = format!("signed_request={}.{payload}", b64(&hmac_sha256(secret.as_bytes(), payload.as_bytes())));
    Some(NoticeRequest { content_type: "application/x-www-form-urlencoded", authorization: None, body })
}
