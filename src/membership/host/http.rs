//! The contract's calls over HTTP.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::HostError;
use super::credential::Credential;
use super::messages::{Balances, Capabilities, Challenge, Changes, Checked, Problem, Standing, Verification};
use crate::membership::error::InvalidSettings;
use crate::membership::proof::Method;
use crate::membership::settings::HttpHostSettings;
use crate::model::{Clock, Locale, ProgrammeId, Random};
use crate::outbound::{self, Outbound, Request, Response};

const MAX_BODY: usize = 256 * 1024;

/// A host over HTTP.
pub(super) struct HttpHost {
    programme: ProgrammeId,
    base_url: Url,
    credential: Credential,
    outbound: Outbound,
    random: Random,
    clock: Clock,
}

/// An answer under an entity tag.
#[derive(Debug)]
pub(in crate::membership) struct Read<T> {
    /// The answer; `None` when it is what it was.
    pub value: Option<T>,
    /// The tag it is under.
    pub etag: Option<String>,
}

impl HttpHost {
    pub(super) fn new(
        programme: &ProgrammeId,
        settings: &HttpHostSettings,
        outbound: Outbound,
        random: Random,
        clock: Clock,
    ) -> Result<Self, InvalidSettings> {
        let wrong = |what| InvalidSettings::Programme { programme: programme.clone(), what };
        let base_url = settings.base_url.clone();
        if base_url.query().is_some() || base_url.fragment().is_some() || !base_url.username().is_empty() {
            return Err(wrong("host.base_url must be scheme, host and path only"));
        }
        if !outbound.permits(&base_url) {
            return Err(wrong("host.base_url is not an address outbound requests may go to"));
        }
        let credential = Credential::read(programme, &settings.auth)?;
        Ok(Self { programme: programme.clone(), base_url, credential, outbound, random, clock })
    }

    pub(super) async fn capabilities(&self, deadline: Duration) -> Result<Capabilities, HostError> {
        let request = Request::get(self.url(&["capabilities"])).accept_json();
        read(&self.send(request, deadline).await?)
    }

    pub(super) async fn start_challenge(
        &self,
        number: &str,
        method: Method,
        locale: &Locale,
        deadline: Duration,
    ) -> Result<Challenge, HostError> {
        let body = json!({ "programme": self.programme, "number": number, "method": method, "locale": locale });
        let request = Request::post_json(self.url(&["challenges"]), &body).accept_json();
        read(&self.send(self.once(request), deadline).await?)
    }

    pub(super) async fn verify(
        &self,
        challenge_id: &str,
        answer: &Value,
        deadline: Duration,
    ) -> Result<Verification, HostError> {
        let url = self.url(&["challenges", &format!("{challenge_id}:verify")]);
        let request = Request::post_json(url, answer).accept_json();
        read(&self.send(self.once(request), deadline).await?)
    }

    pub(super) async fn standing(
        &self,
        member_ref: &str,
        etag: Option<&str>,
        deadline: Duration,
    ) -> Result<Read<Standing>, HostError> {
        let mut request = Request::get(self.url(&["members", member_ref])).accept_json();
        if let Some(etag) = etag {
            request = request.header("if-none-match", etag);
        }
        let response = self.send(request, deadline).await?;
        if response.status.as_u16() == 304 {
            let known = etag.map(str::to_owned).ok_or(HostError::Malformed("not modified since never"))?;
            return Ok(Read { value: None, etag: Some(known) });
        }
        let standing: Standing = read(&response)?;
        is_asked_for(&standing.member_ref, member_ref)?;
        let tag = response.headers.get("etag").and_then(|value| value.to_str().ok());
        let etag = tag.filter(|tag| tag.len() <= 256).map(str::to_owned);
        Ok(Read { value: Some(standing), etag })
    }

    pub(super) async fn balances(&self, member_ref: &str, deadline: Duration) -> Result<Balances, HostError> {
        let request = Request::get(self.url(&["members", member_ref, "balances"])).accept_json();
        let balances: Balances = read(&self.send(request, deadline).await?)?;
        is_asked_for(&balances.member_ref, member_ref)?;
        Ok(balances)
    }

    pub(super) async fn changes(&self, cursor: Option<&str>, deadline: Duration) -> Result<Changes, HostError> {
        let mut url = self.url(&["changes"]);
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        let request = Request::get(url).accept_json();
        read(&self.send(request, deadline).await?)
    }

    pub(super) async fn notify(
        &self,
        member_ref: &str,
        subject_ref: &str,
        linked: bool,
        key: &str,
        deadline: Duration,
    ) -> Result<(), HostError> {
        let url = self.url(&["links", member_ref]);
        let body = json!({ "subject_ref": subject_ref });
        let request = if linked {
            Request::put_json(url, &body)
        } else {
            Request::delete(url).body("application/json", body.to_string().into_bytes())
        };
        self.send(request.header("idempotency-key", key), deadline).await.map(drop)
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// A request that takes effect once, however often the network repeats it.
    fn once(&self, request: Request) -> Request {
        request.header("idempotency-key", &self.random.handle())
    }

    async fn send(&self, request: Request, deadline: Duration) -> Result<Response, HostError> {
        let token = self.credential.token(self.base_url.as_str(), &self.random, self.clock.now())?;
        let request = request
            .bearer(&token)
            .max_body(MAX_BODY)
            .header("deadline-ms", &deadline.as_millis().to_string())
            .deadline(deadline);
        let response = self.outbound.fetch(request).await.map_err(|error| match error {
            outbound::Error::TooLarge => HostError::Malformed("the body is too large"),
            outbound::Error::Unreadable => HostError::Malformed("the body is no JSON"),
            outbound::Error::Redirect => HostError::Malformed("a redirect"),
            _ => HostError::Unavailable,
        })?;
        if response.is_success() || response.status.as_u16() == 304 { Ok(response) } else { Err(refusal(&response)) }
    }
}

/// What a status other than success means, with the problem's type where the status says too little [RFC 9457].
fn refusal(response: &Response) -> HostError {
    match response.status.as_u16() {
        404 => HostError::NotFound,
        410 => HostError::Gone,
        408 | 425 | 429 | 500.. => HostError::Unavailable,
        _ => {
            let problem: Problem = response.json().unwrap_or_default();
            match problem.kind.as_str() {
                "urn:comity:loyalty:retryable" => HostError::Unavailable,
                "urn:comity:loyalty:unknown_method" => HostError::UnknownMethod,
                _ => HostError::Denied,
            }
        }
    }
}

fn read<T: DeserializeOwned + Checked>(response: &Response) -> Result<T, HostError> {
    // What exactly is wrong would quote the host's values, which are somebody's data.
    let answer: T = response.json().map_err(|_| HostError::Malformed("the body is not of the contract's types"))?;
    answer.fault().map_or(Ok(answer), |fault| Err(HostError::Malformed(fault)))
}

fn is_asked_for(answered: &str, asked: &str) -> Result<(), HostError> {
    if answered == asked { Ok(()) } else { Err(HostError::Malformed("the answer is about another member")) }
}
