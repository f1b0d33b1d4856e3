//! Connected apps: what each may receive today, by the evaluator that also fills its tokens, and on what ground.

use crate::consent::App;
use crate::model::client::Client;
use crate::model::{AccountId, Fault, Locale, UnixTime};
use crate::protocol::{ClaimsRequest, Scope};
use crate::provider::release::Asked;
use crate::web::pages::confirm::Given;
use crate::web::state::Web;
use crate::web::views::{AppClaim, AppRow};

/// One app, ready to be shown.
pub(super) struct Connected {
    id: String,
    name: String,
    legal_entity: String,
    href: Option<String>,
    since: UnixTime,
    last_used: Option<UnixTime>,
    claims: Vec<Received>,
}

struct Received {
    id: Option<String>,
    claim: String,
    purpose: String,
}

/// The apps of an account.
pub(super) async fn connected(web: &Web, account: AccountId, locale: &Locale) -> Result<Vec<Connected>, Fault> {
    let mut connected = Vec::new();
    for app in web.consents.apps(account).await? {
        let client = web.provider.client(&app.client).await?;
        let claims = claims(web, account, &app, client.as_deref(), locale).await?;
        let first_answer = app.given.iter().map(|given| given.decided_at).min();
        let since = app.grant.as_ref().map(|grant| grant.since).into_iter().chain(first_answer).min();
        connected.push(Connected {
            id: app.client.to_string(),
            name: client.as_ref().map_or_else(|| app.client.to_string(), |client| client.client_name.clone()),
            legal_entity: client.as_ref().map(|client| client.legal_entity.clone()).unwrap_or_default(),
            href: client
                .and_then(|client| client.client_uri.clone())
                .map(String::from)
                .filter(|uri| uri.starts_with("http")),
            since: since.unwrap_or_default(),
            last_used: app.grant.map(|grant| grant.last_used),
            claims,
        });
    }
    Ok(connected)
}

/// What goes to the app by its grant, and what it was allowed although there is nothing to receive at present.
async fn claims(
    web: &Web,
    account: AccountId,
    app: &App,
    client: Option<&Client>,
    locale: &Locale,
) -> Result<Vec<Received>, Fault> {
    let mut lines = Vec::new();
    if let (Some(client), Some(grant)) = (client, &app.grant) {
        let scope = Scope::from_values(&grant.scope);
        let (claims, now) = (ClaimsRequest::default(), web.clock.now());
        let release = web.provider.release(&Asked::now(client, account, &scope, &claims, now), now).await?;
        let released = release.iter().flat_map(|release| &release.lines).filter(|line| line.is_released());
        lines.extend(released.map(|line| (line.scope.clone(), line.base().to_owned(), line.purpose.clone())));
    }
    let given = app.given.iter();
    lines.extend(given.map(|given| (given.scope.clone(), given.claim.clone(), given.purpose.clone())));
    let mut received: Vec<Received> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (scope, claim, purpose) in lines {
        // A scope that is a permission by itself carries no claim: it ends with the app's access.
        if claim.is_empty() || !seen.insert((scope.clone(), claim.clone())) {
            continue;
        }
        let answered = app.given.iter().any(|given| given.scope == scope && given.claim == claim);
        let purpose = web.provider.rules().purpose(&purpose).map_or("", |purpose| purpose.text(locale)).to_owned();
        let id = answered.then(|| Given { client: app.client.clone(), scope, claim: claim.clone() }.to_text());
        received.push(Received { id, claim, purpose });
    }
    Ok(received)
}

impl Connected {
    /// Its claims as the page shows them.
    pub(super) fn claims(&self) -> Vec<AppClaim<'_>> {
        let claims = self.claims.iter();
        claims
            .map(|received| AppClaim {
                id: received.id.as_deref(),
                claim: &received.claim,
                purpose: &received.purpose,
                received: None,
            })
            .collect()
    }

    /// The app with these claims.
    pub(super) fn row<'a>(&'a self, claims: &'a [AppClaim<'a>]) -> AppRow<'a> {
        AppRow {
            id: &self.id,
            name: &self.name,
            legal_entity: &self.legal_entity,
            href: self.href.as_deref(),
            since: self.since,
            last_used: self.last_used,
            claims,
        }
    }
}
