//! The pages a user sees at a simulator: plain HTML, no script needed.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::authorize::{Authorization, Refusal};
use super::browser;
use super::call::Call;
use super::person::Person;
use super::profile::{Item, Parameters};
use super::settings::Provider;
use super::simulator::Simulator;
use super::texts::{Lang, Texts};

/// What the layout needs of every page.
struct Frame {
    lang: &'static str,
    t: &'static Texts,
    provider: &'static str,
    name: &'static str,
    background: &'static str,
    colour: &'static str,
}

impl Frame {
    fn new(simulator: &Simulator, lang: Lang) -> Self {
        let profile = simulator.profile;
        let (background, colour) = profile.colours;
        let (provider, name) = (simulator.provider.as_str(), lang.pick(profile.name));
        Self { lang: lang.tag(), t: lang.texts(), provider, name, background, colour }
    }
}

/// A person as a page shows him.
struct Face {
    id: String,
    name: String,
    initial: String,
    email: String,
}

impl Face {
    fn new(person: &Person, t: &Texts) -> Self {
        Self {
            id: person.id.clone(),
            name: person.name.clone(),
            initial: person.name.chars().take(1).collect(),
            email: person.email.clone().unwrap_or_else(|| t.no_email.to_owned()),
        }
    }
}

struct Line {
    scope: &'static str,
    label: &'static str,
    is_optional: bool,
}

#[derive(Template)]
#[template(path = "demo/simulators/sign_in.html")]
struct SignIn {
    frame: Frame,
    query: String,
    people: Vec<Face>,
}

#[derive(Template)]
#[template(path = "demo/simulators/resume.html")]
struct Resume {
    frame: Frame,
    query: String,
    person: Face,
}

#[derive(Template)]
#[template(path = "demo/simulators/consent.html")]
struct Consent {
    frame: Frame,
    query: String,
    app: String,
    person: Face,
    lines: Vec<Line>,
    is_fresh: bool,
    /// Apple's choice between the own address and this one.
    relay_email: Option<String>,
}

#[derive(Template)]
#[template(path = "demo/simulators/form_post.html")]
struct FormPost<'a> {
    frame: Frame,
    redirect_uri: &'a str,
    parameters: &'a Parameters,
}

#[derive(Template)]
#[template(path = "demo/simulators/error.html")]
struct Error<'a> {
    frame: Frame,
    code: &'a str,
    text: &'a str,
}

#[derive(Template)]
#[template(path = "demo/simulators/home.html")]
struct Home {
    frame: Frame,
    person: Option<Face>,
}

fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(body) => {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CACHE_CONTROL, "no-store"),
                (header::X_FRAME_OPTIONS, "DENY"),
            ];
            (status, headers, body).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Who are you?
pub(super) fn sign_in(simulator: &Simulator, request: &Authorization) -> Response {
    let frame = Frame::new(simulator, request.lang);
    let people = simulator.state().people.iter().map(|person| Face::new(person, frame.t)).collect();
    html(StatusCode::OK, &SignIn { frame, query: request.query.clone(), people })
}

/// The one tap of a user whose session is remembered.
pub(super) fn resume(simulator: &Simulator, request: &Authorization, person: &Person) -> Response {
    let frame = Frame::new(simulator, request.lang);
    let person = Face::new(person, frame.t);
    html(StatusCode::OK, &Resume { frame, query: request.query.clone(), person })
}

/// What may the application know?
pub(super) fn consent(
    simulator: &Simulator,
    request: &Authorization,
    person: &Person,
    items: &[&'static Item],
    is_fresh: bool,
) -> Response {
    let frame = Frame::new(simulator, request.lang);
    let asks_email = items.iter().any(|item| item.scope == simulator.profile.email_item);
    let line = |item: &&'static Item| Line {
        scope: item.scope,
        label: request.lang.pick(item.label),
        is_optional: item.is_optional,
    };
    let page = Consent {
        query: request.query.clone(),
        app: request.client.name.clone(),
        person: Face::new(person, frame.t),
        lines: items.iter().map(line).collect(),
        is_fresh,
        relay_email: person.relay_email.clone().filter(|_| asks_email && simulator.provider == Provider::Apple),
        frame,
    };
    html(StatusCode::OK, &page)
}

/// The way back by a form that submits itself, or by a button where scripts are off.
pub(super) fn form_post(simulator: &Simulator, lang: Lang, redirect_uri: &str, parameters: &Parameters) -> Response {
    html(StatusCode::OK, &FormPost { frame: Frame::new(simulator, lang), redirect_uri, parameters })
}

/// The end of a request that cannot go back.
pub(super) fn refusal(simulator: &Simulator, call: &Call, refusal: &Refusal) -> Response {
    let (status, code, text) = match refusal {
        Refusal::Page { status, code, text } => (*status, code.as_str(), text.as_str()),
        Refusal::Callback { error, description } => (400, *error, *description),
        Refusal::Verbatim(_) => (400, "invalid_request", ""),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    html(status, &Error { frame: Frame::new(simulator, Lang::of(call)), code, text })
}

/// `GET /`: who is signed in here.
pub(super) async fn home(State(simulator): State<Simulator>, call: Call) -> Response {
    let frame = Frame::new(&simulator, Lang::of(&call));
    let person = browser::session(&simulator, &call).map(|(_, person)| Face::new(&person, frame.t));
    html(StatusCode::OK, &Home { frame, person })
}

/// `POST /`: the user signs out of the provider.
pub(super) async fn sign_out(State(simulator): State<Simulator>, call: Call) -> Response {
    browser::end_session(&simulator, &call);
    browser::redirect("/")
}
