//! `shop.localhost`: the airline's web shop, a server that keeps its secret.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use url::form_urlencoded::byte_serialize;

use super::fares::{Booking, FARES, Fare, discount, grouped};
use super::member::Member;
use super::session::{Login, Session};
use super::site::{Shell, Site, display_name, routes};
use crate::demo::page::{Form, Visit};
use crate::model::UnixTime;

/// How long a new proof is good for paying with miles, in seconds.
const FRESH_SECONDS: i64 = 300;

/// The shop's router.
pub(in crate::demo) fn router(site: Arc<Site>) -> Router {
    routes()
        .route("/", get(home))
        .route("/connect", get(connect))
        .route("/checkout", get(checkout))
        .route("/book", post(book))
        .with_state(site)
}

#[derive(Template)]
#[template(path = "demo/rp/shop.html")]
struct Home<'a> {
    shell: &'a Shell,
    customer: Option<Customer>,
    fares: Vec<Row>,
    bookings: &'a [Booking],
    live: bool,
}

#[derive(Template)]
#[template(path = "demo/rp/checkout.html")]
struct Checkout<'a> {
    shell: &'a Shell,
    customer: Customer,
    fare: Row,
    with_miles: bool,
}

/// The signed-in person as the shop knows her.
struct Customer {
    name: String,
    email: String,
    stage: String,
    member: Option<Member>,
    discount: i64,
    miles: String,
}

struct Row {
    fare: &'static Fare,
    price: String,
    member_price: Option<String>,
    miles: String,
}

impl Customer {
    fn of(login: &Login) -> Self {
        let member = Member::of(&login.userinfo);
        let text = |claims: &serde_json::Map<String, serde_json::Value>, name: &str| {
            claims.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
        };
        Self {
            name: display_name(login),
            email: text(&login.userinfo, "email"),
            stage: text(&login.tokens.id_claims, "urn:comity:stage"),
            discount: discount(member.as_ref().map_or("", Member::tier_code)),
            miles: member.as_ref().and_then(|member| member.miles).map(grouped).unwrap_or_default(),
            member,
        }
    }
}

impl Row {
    fn of(fare: &'static Fare, member: Option<&Member>) -> Self {
        let price = fare.price_for(member);
        Self {
            fare,
            price: grouped(fare.price),
            member_price: (price < fare.price).then(|| grouped(price)),
            miles: grouped(fare.miles),
        }
    }
}

async fn home(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    let mut session = site.current(&visit).await;
    let mut shell = site.shell(&visit, &mut session);
    let live = visit.query("live").is_some();
    if live {
        shell.frame.refresh_seconds = Some(2);
    }
    let customer = session.login.as_ref().map(Customer::of);
    let member = customer.as_ref().and_then(|customer| customer.member.clone());
    let fares = FARES.iter().map(|fare| Row::of(fare, member.as_ref())).collect();
    let page = Home { shell: &shell, customer, fares, bookings: &session.bookings, live };
    site.page(&page, &shell.frame)
}

/// Leads through the provider's page for connecting a number and from there to a new sign-in, which asks what the
/// shop may see of it.
async fn connect(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    let issuer = site.addresses.issuer();
    let lang = visit.lang.as_str();
    site.send_to_provider(&visit, "/".to_owned(), false, |url| {
        let path = url.as_str().strip_prefix(&issuer).unwrap_or_default();
        let return_to: String = byte_serialize(path.as_bytes()).collect();
        format!("{issuer}/account/link/skyway?ui_locales={lang}&return_to={return_to}")
    })
    .await
}

fn checkout_path(fare: &Fare, with_miles: bool) -> String {
    format!("/checkout?fare={}{}", fare.id, if with_miles { "&pay=miles" } else { "" })
}

/// Where to prove oneself first, when that is needed.
fn needs_sign_in(session: &Session, fare: &Fare, with_miles: bool, now: UnixTime) -> Option<String> {
    let fresh = |login: &Login| login.fresh_at.is_some_and(|at| now.since(at) <= FRESH_SECONDS);
    let enough = session.login.as_ref().is_some_and(|login| !with_miles || fresh(login));
    if enough {
        return None;
    }
    let after: String = byte_serialize(checkout_path(fare, with_miles).as_bytes()).collect();
    Some(format!("/sign-in?after={after}{}", if with_miles { "&fresh=1" } else { "" }))
}

async fn checkout(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    let Some(fare) = visit.query("fare").and_then(Fare::find) else { return Redirect::to("/").into_response() };
    let with_miles = visit.query("pay") == Some("miles");
    let mut session = site.current(&visit).await;
    if let Some(sign_in) = needs_sign_in(&session, fare, with_miles, site.clock.now()) {
        return Redirect::to(&sign_in).into_response();
    }
    let shell = site.shell(&visit, &mut session);
    let Some(customer) = session.login.as_ref().map(Customer::of) else { return Redirect::to("/").into_response() };
    let row = Row::of(fare, customer.member.as_ref());
    let page = Checkout { shell: &shell, customer, fare: row, with_miles };
    site.page(&page, &shell.frame)
}

async fn book(State(site): State<Arc<Site>>, visit: Visit, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let Some(fare) = Fare::find(form.field("fare")).filter(|_| !visit.is_foreign()) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let with_miles = form.field("pay") == "miles";
    let session = site.current(&visit).await;
    if let Some(sign_in) = needs_sign_in(&session, fare, with_miles, site.clock.now()) {
        return Redirect::to(&sign_in).into_response();
    }
    let Some(login) = session.login else { return Redirect::to("/").into_response() };
    let member = Member::of(&login.userinfo);
    let price = fare.price_for(member.as_ref());
    let booking = Booking {
        reference: site.random.digits(6).expose().clone(),
        fare: fare.id,
        traveller: display_name(&login),
        paid: if with_miles { format!("{} mi", grouped(fare.miles)) } else { format!("₩{}", grouped(price)) },
        number: member.and_then(|member| member.number),
    };
    site.sessions.change(site.key(&visit).as_deref(), |session| {
        session.bookings.insert(0, booking);
        session.bookings.truncate(5);
        session.notice = Some("shop.booked");
    });
    Redirect::to("/#bookings").into_response()
}
