//! Where upstream providers send people back to.

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::response::Response;

use super::account;
use super::flow::Flow;
use crate::accounts::{Arrival, Arrived, Continuation, Linking};
use crate::federation::{CallbackParams, Completed, Failure as Upstream, Intent, UpstreamProfile};
use crate::model::ConnectionId;
use crate::provider::authorize::Outcome;
use crate::web::cookies::Cookie;
use crate::web::error::Failure;
use crate::web::forms::read_form;
use crate::web::response_mode::{answer, see_other};
use crate::web::state::Web;
use crate::web::views::ErrorKind;
use crate::web::visit::Visit;
use crate::web::{notices, paths};

/// A callback by redirect, or the second half of one by form.
pub async fn query(Path(connection): Path<String>, visit: Visit) -> Result<Response, Failure> {
    let connection = ConnectionId::from(connection);
    let web = visit.web.clone();
    let params = match visit.query.get("resume") {
        Some(handle) => match web.federation.release(&connection, handle).await {
            Ok(params) => params,
            Err(failure) => return failed(visit, failure),
        },
        None => CallbackParams::from_pairs(visit.query.iter()),
    };
    match web.federation.complete(&connection, params, &visit.browser).await {
        Ok(completed) => arrived(visit, completed).await,
        Err(failure) => failed(visit, failure),
    }
}

/// A callback by form: a cross-site POST, which carries no cookie of ours. It is kept, and the browser comes back for
/// it by a GET that does [connectors that answer with `form_post`].
pub async fn form(
    State(web): State<Web>,
    Path(connection): Path<String>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let fields = read_form(&parts.headers, body).await?;
    let mut visit = Visit::from_request_parts(&mut parts, &web).await?;
    // The browser's own cookie is on its way with the next request: a new one would cut it off from its login.
    visit.forget_cookies();
    // One pending login may be answered many times over, and each answer is kept.
    if web.accounts.count_attempt(&visit.network).await?.is_err() {
        return Err(Failure::Page(ErrorKind::TooManyTries));
    }
    let id = ConnectionId::from(connection.as_str());
    match web.federation.hold(&id, &CallbackParams::from_pairs(fields.iter())).await {
        Ok(handle) => see_other(visit, &format!("{}?resume={handle}", paths::callback(&connection))),
        Err(failure) => failed(visit, failure),
    }
}

async fn arrived(mut visit: Visit, completed: Completed) -> Result<Response, Failure> {
    let Completed { txn, intent, profile } = completed;
    let connection = profile.key.connection.clone();
    let arrival = arrival(&visit, profile);
    visit.set_cookie(Cookie::LastConnection, connection.as_str());
    if let Intent::Link(account) = intent {
        return link(visit, account, arrival).await;
    }
    let flow = Flow::find(visit, &txn).await?;
    let web = flow.visit.web.clone();
    match web.accounts.arrive(&txn, arrival).await? {
        Arrived::Enter(entry) => flow.enter(entry).await,
        Arrived::Continue(Continuation::SignUp { .. }) => flow.go(paths::SIGN_UP),
        Arrived::Continue(_) => flow.go(paths::LINK_ACCOUNT),
        Arrived::Suspended => answer(flow.visit, Outcome::Expired),
    }
}

/// One more login for the account whose owner began this: the same browser, still signed in to the same account.
async fn link(visit: Visit, account: crate::model::AccountId, arrival: Arrival) -> Result<Response, Failure> {
    let web = visit.web.clone();
    let Some(session) = visit.session.clone().filter(|session| session.account == account) else {
        return Err(Failure::Page(ErrorKind::ExpiredFlow));
    };
    let connection = arrival.key.connection.clone();
    let result = match web.accounts.link(&session, &arrival).await? {
        Linking::Done => {
            notices::identity_linked(&web, account, &connection).await;
            "done=identity_linked"
        }
        Linking::AlreadyYours => "done=identity_linked",
        Linking::Elsewhere => "problem=identity_taken",
        Linking::StepUp => "problem=form_expired",
    };
    see_other(visit, &format!("{}?{result}", paths::ACCOUNT))
}

fn arrival(visit: &Visit, profile: UpstreamProfile) -> Arrival {
    let now = visit.web.clock.now();
    Arrival {
        label: profile.label().map(str::to_owned),
        attributes: profile.to_attributes(now),
        key: profile.key,
        email: profile.email,
        trust: profile.email_trust,
        tokens: profile.tokens,
        at: now,
    }
}

fn failed(visit: Visit, failure: Upstream) -> Result<Response, Failure> {
    let back = |txn: &str, problem: &str| match txn {
        account::LINKING => account::with(&format!("problem={problem}")),
        txn => format!("{}&problem={problem}", paths::with_txn(paths::SIGN_IN, txn)),
    };
    match failure {
        Upstream::Cancelled { txn } => see_other(visit, &back(&txn, "cancelled")),
        Upstream::Refused { txn, reason } => {
            tracing::warn!(reason = reason.as_str(), "upstream login refused");
            see_other(visit, &back(&txn, "refused"))
        }
        Upstream::Unavailable { txn } => {
            tracing::warn!("upstream provider unavailable");
            see_other(visit, &back(&txn, "unavailable"))
        }
        Upstream::Retry { location, .. } => see_other(visit, location.as_str()),
        Upstream::Unknown => Err(Failure::Page(ErrorKind::ExpiredFlow)),
        Upstream::Fault(fault) => Err(Failure::Fault(fault)),
    }
}
