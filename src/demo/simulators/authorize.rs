//! The authorization endpoint all simulators share: read the request, let the user sign in and consent, go back.
//!
//! Nothing is kept between the pages: each form posts to the same URL, so the request is read anew each time.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::call::Call;
use super::person::Person;
use super::profile::{Item, Mode, Parameters, Reask};
use super::quirk::Quirk;
use super::settings::ProviderClient;
use super::simulator::Simulator;
use super::state::{Code, Grant, Link, Session, owner};
use super::texts::Lang;
use super::{browser, page};

/// Codes nobody redeemed are forgotten after a day.
const FORGET_AFTER: i64 = 86_400;

/// An authorization request whose application and callback are known.
pub(super) struct Authorization {
    pub(super) client: Arc<ProviderClient>,
    pub(super) redirect_uri: String,
    pub(super) response_type: String,
    pub(super) mode: Mode,
    pub(super) scope: Vec<String>,
    pub(super) query: String,
    pub(super) lang: Lang,
    call: Call,
}

/// Why a request gets no page.
pub(super) enum Refusal {
    /// Told to the user, since the callback cannot be trusted or the provider does it so.
    Page { status: u16, code: String, text: String },
    /// Told to the application.
    Callback { error: &'static str, description: &'static str },
    /// Sent to the callback as it stands, without the request's state.
    Verbatim(Parameters),
}

impl Refusal {
    pub(super) fn page(status: u16, code: &str, text: &str) -> Self {
        Self::Page { status, code: code.to_owned(), text: text.to_owned() }
    }
}

impl Authorization {
    fn read(simulator: &Simulator, call: &Call) -> Result<Self, Refusal> {
        let profile = simulator.profile;
        let (status, code) = profile.unknown_client;
        let client = call
            .query("client_id")
            .and_then(|id| simulator.client(id))
            .ok_or_else(|| Refusal::page(status, code, "The client_id is not registered."))?;
        let (status, code) = profile.redirect_mismatch;
        let redirect_uri = call
            .query("redirect_uri")
            .filter(|uri| client.redirect_uris.iter().any(|known| known == uri))
            .ok_or_else(|| Refusal::page(status, code, "The redirect_uri is not registered."))?
            .to_owned();
        let response_type = call.query("response_type").unwrap_or_default().to_owned();
        if !response_type.split(' ').any(|part| part == "code") {
            return Err(Refusal::page(400, "unsupported_response_type", "The response_type is not supported."));
        }
        let mode = match call.query("response_mode") {
            None if response_type.contains("id_token") => Mode::Fragment,
            None | Some("query") => Mode::Query,
            Some("fragment") => Mode::Fragment,
            Some("form_post") => Mode::FormPost,
            Some(_) => return Err(Refusal::page(400, "invalid_request", "The response_mode is unknown.")),
        };
        if !profile.modes.contains(&mode) {
            return Err(Refusal::page(400, "invalid_request", "The response_mode is not supported."));
        }
        let scope = call.query("scope").unwrap_or_default();
        let scope = scope.split(profile.scope_delimiters).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let (query, lang) = (call.query.clone(), Lang::of(call));
        Ok(Self { client, redirect_uri, response_type, mode, scope, query, lang, call: call.clone() })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.call.query(name)
    }

    pub(super) fn prompts(&self, prompt: &str) -> bool {
        self.parameter("prompt").is_some_and(|prompts| prompts.split([' ', ',']).any(|one| one == prompt))
    }

    fn wants_login(&self) -> bool {
        ["login", "select_account", "create"].into_iter().any(|prompt| self.prompts(prompt))
            || self.parameter("auth_type") == Some("reauthenticate")
            || self.parameter("max_age") == Some("0")
    }

    fn challenge(&self) -> Option<(String, String)> {
        let challenge = self.parameter("code_challenge")?;
        Some((self.parameter("code_challenge_method").unwrap_or("plain").to_owned(), challenge.to_owned()))
    }

    fn with_state(&self, mut parameters: Parameters) -> Parameters {
        parameters.extend(self.parameter("state").map(|state| ("state".to_owned(), state.to_owned())));
        parameters
    }

    fn send(&self, simulator: &Simulator, parameters: &Parameters) -> Response {
        let to = browser::Callback {
            redirect_uri: &self.redirect_uri,
            mode: self.mode,
            fragment: simulator.profile.callback_fragment,
        };
        to.send(simulator, self.lang, parameters)
    }

    fn fail(&self, simulator: &Simulator, error: &str, description: &str) -> Response {
        let parameters =
            vec![("error".to_owned(), error.to_owned()), ("error_description".to_owned(), description.to_owned())];
        self.send(simulator, &self.with_state(parameters))
    }

    fn cancel(&self, simulator: &Simulator) -> Response {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.send(simulator, &self.with_state(simulator.profile.cancelled.iter().map(own).collect()))
    }

    /// What the person has to be asked before going back; `None` when nothing is.
    fn questions(&self, simulator: &Simulator, person: &Person) -> Option<Vec<&'static Item>> {
        let profile = simulator.profile;
        let requested: Vec<_> = profile.items.iter().filter(|item| (profile.asks_for)(self, item)).collect();
        let state = simulator.state();
        let Some(link) = state.link(&self.client, &person.id) else { return Some(requested) };
        let reask = (profile.reask)(self);
        let asked: Vec<_> = requested
            .into_iter()
            .filter(|item| match reask {
                Reask::Nothing => !link.asked.contains(item.scope),
                Reask::Declined => !link.granted.contains(item.scope),
                Reask::Everything => true,
            })
            .collect();
        if asked.is_empty() { None } else { Some(asked) }
    }
}

/// `GET` of the authorization endpoint.
pub(super) async fn open(State(simulator): State<Simulator>, call: Call) -> Response {
    with_request(&simulator, &call, |request| {
        let session = browser::session(&simulator, &call);
        if simulator.has(&Quirk::Cancel) {
            return request.cancel(&simulator);
        }
        if request.prompts("none") {
            return silently(&simulator, request, session);
        }
        match session.filter(|_| !request.wants_login()) {
            None => page::sign_in(&simulator, request),
            Some((session, person)) => match request.questions(&simulator, &person) {
                Some(items) => page::consent(&simulator, request, &person, &items, false),
                None if simulator.has(&Quirk::Silent) => {
                    finish(&simulator, request, &session, &person, Visit::default())
                }
                None => page::resume(&simulator, request, &person),
            },
        }
    })
}

/// `POST` of the authorization endpoint: a button of one of its pages.
pub(super) async fn submit(State(simulator): State<Simulator>, call: Call) -> Response {
    with_request(&simulator, &call, |request| {
        if call.form("cancel").is_some() {
            return request.cancel(&simulator);
        }
        let person = call.form("user").and_then(|id| simulator.state().person(id));
        if let Some(person) = person {
            let (session, cookie) = browser::start_session(&simulator, &person);
            let visit = Visit { is_fresh: true, is_first: false };
            let response = match request.questions(&simulator, &person) {
                Some(items) => page::consent(&simulator, request, &person, &items, true),
                None => finish(&simulator, request, &session, &person, visit),
            };
            return browser::with_cookie(response, &cookie);
        }
        let Some((session, person)) = browser::session(&simulator, &call).filter(|_| call.form("switch").is_none())
        else {
            return page::sign_in(&simulator, request);
        };
        let questions = request.questions(&simulator, &person);
        let is_fresh = call.form("fresh").is_some();
        match questions {
            None => finish(&simulator, request, &session, &person, Visit { is_fresh, is_first: false }),
            Some(items) if call.form("allow").is_some() => {
                let is_first = connect(&simulator, request, &call, &person, &items);
                finish(&simulator, request, &session, &person, Visit { is_fresh, is_first })
            }
            Some(items) => page::consent(&simulator, request, &person, &items, false),
        }
    })
}

fn with_request(simulator: &Simulator, call: &Call, answer: impl FnOnce(&Authorization) -> Response) -> Response {
    let request = match Authorization::read(simulator, call) {
        Ok(request) => request,
        Err(refusal) => return page::refusal(simulator, call, &refusal),
    };
    match (simulator.profile.check)(simulator, call, &request) {
        Ok(()) => answer(&request),
        Err(Refusal::Callback { error, description }) => request.fail(simulator, error, description),
        Err(Refusal::Verbatim(parameters)) => request.send(simulator, &parameters),
        Err(refusal) => page::refusal(simulator, call, &refusal),
    }
}

fn silently(simulator: &Simulator, request: &Authorization, session: Option<(Session, Person)>) -> Response {
    let Some((session, person)) = session else {
        return request.fail(simulator, "login_required", "user is not signed in");
    };
    if request.questions(simulator, &person).is_some() {
        return request.fail(simulator, "consent_required", "user consent is required");
    }
    finish(simulator, request, &session, &person, Visit::default())
}

/// Records what the user agreed to; true when the application was not connected before.
fn connect(simulator: &Simulator, request: &Authorization, call: &Call, person: &Person, items: &[&Item]) -> bool {
    let ticked: BTreeSet<&str> = call.form_values("item").collect();
    let now = simulator.now();
    let mut state = simulator.state();
    let is_first = state.link(&request.client, &person.id).is_none();
    let key = (owner(&request.client).to_owned(), person.id.clone());
    let link = state.links.entry(key).or_insert_with(|| Link {
        connected_at: now,
        asked: BTreeSet::new(),
        granted: BTreeSet::new(),
        hides_email: false,
        was_read: false,
    });
    for item in items {
        link.asked.insert(item.scope.to_owned());
        if !item.is_optional || ticked.contains(item.scope) {
            link.granted.insert(item.scope.to_owned());
        } else {
            link.granted.remove(item.scope);
        }
    }
    if let Some(choice) = call.form("email_choice") {
        link.hides_email = choice == "hide";
    }
    is_first
}

/// How the user came through the pages.
#[derive(Clone, Copy, Default)]
struct Visit {
    is_fresh: bool,
    is_first: bool,
}

fn finish(
    simulator: &Simulator,
    request: &Authorization,
    session: &Session,
    person: &Person,
    visit: Visit,
) -> Response {
    let profile = simulator.profile;
    let now = simulator.now();
    let code = (profile.code)(&simulator.random);
    let mut state = simulator.state();
    let granted = state.link(&request.client, &person.id).map(|link| link.granted.clone()).unwrap_or_default();
    let requested = profile.items.iter().filter(|item| (profile.asks_for)(request, item));
    let items = requested.map(|item| item.scope.to_owned()).filter(|scope| granted.contains(scope)).collect();
    let grant = Arc::new(Grant {
        client: Arc::clone(&request.client),
        redirect_uri: request.redirect_uri.clone(),
        person: person.id.clone(),
        scope: request.scope.clone(),
        items,
        nonce: request.parameter("nonce").map(str::to_owned),
        challenge: request.challenge(),
        auth_time: session.since,
        issued_at: now,
        is_first: visit.is_first,
        is_fresh: visit.is_fresh,
        offline: request.parameter("access_type") == Some("offline") && (visit.is_first || request.prompts("consent")),
    });
    state.codes.retain(|_, code| now.since(code.grant.issued_at) < FORGET_AFTER);
    state.codes.insert(code.clone(), Code { grant: Arc::clone(&grant), is_spent: false });
    drop(state);
    let mut parameters = request.with_state(vec![("code".to_owned(), code)]);
    (profile.arrive)(simulator, request, &grant, &mut parameters);
    request.send(simulator, &parameters)
}
