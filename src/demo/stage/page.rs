//! The page, and its few levers.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::chronicle::{Chronicle, latest_account};
use super::customer::{Customer, signed_in};
use super::steps::{Files, Scene, Step, of_latest_person, steps};
use super::views::{CustomerView, EventView, HostView, PersonView, ReceivedView};
use crate::demo::addresses::Addresses;
use crate::demo::loyalty_host::{LoyaltyHost, MINA, TIERS};
use crate::demo::page::{Form, Frame, Visit, html, style};
use crate::demo::rp::Site;
use crate::demo::simulators::Simulators;
use crate::demo::words::{Lang, Words};
use crate::model::Clock;
use crate::model::event::Event;
use crate::store::{Error, Store};

/// The OP's session cookie; the stage shares its host.
const SESSION_COOKIE: &str = "comity_session";
const EVENTS_SHOWN: usize = 14;

/// Everything the stage looks at.
pub(in crate::demo) struct Props {
    pub(in crate::demo) store: Store,
    pub(in crate::demo) clock: Clock,
    pub(in crate::demo) words: Arc<Words>,
    pub(in crate::demo) addresses: Addresses,
    pub(in crate::demo) host: LoyaltyHost,
    pub(in crate::demo) simulators: Simulators,
    pub(in crate::demo) shop: Arc<Site>,
    pub(in crate::demo) go: Arc<Site>,
    pub(in crate::demo) hotel: Arc<Site>,
    /// The settings in force, with the addresses of this run.
    pub(in crate::demo) settings: String,
    /// The relying parties likewise.
    pub(in crate::demo) clients: String,
}

struct Stand {
    props: Props,
    chronicle: Chronicle,
}

/// The stage's router, for `/demo` on the OP's host.
pub(in crate::demo) fn router(props: Props) -> Router {
    Router::new()
        .route("/demo", get(page))
        .route("/demo/", get(async || Redirect::permanent("/demo")))
        .route("/demo/do", post(act))
        .route("/demo/demo.css", get(style))
        .with_state(Arc::new(Stand { props, chronicle: Chronicle::default() }))
}

#[derive(Template)]
#[template(path = "demo/stage/stage.html")]
struct Page<'a> {
    frame: &'a Frame,
    live: bool,
    steps: Vec<Step>,
    customer: Option<CustomerView>,
    received: [ReceivedView; 3],
    events: Vec<EventView>,
    host: HostView,
    places: Vec<Place>,
    people: Vec<PersonView>,
}

struct Place {
    id: &'static str,
    key: &'static str,
    url: String,
}

impl Page<'_> {
    fn done(&self) -> usize {
        self.steps.iter().filter(|step| step.is_done()).count()
    }
}

async fn page(State(stand): State<Arc<Stand>>, visit: Visit) -> Response {
    match stand.show(&visit).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "the stage cannot read the store");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

impl Stand {
    async fn show(&self, visit: &Visit) -> Result<Response, Error> {
        let Props { store, clock, host, shop, go, hotel, .. } = &self.props;
        let now = clock.now();
        let events = self.chronicle.events(store).await?;
        let cookie = visit.cookie(SESSION_COOKIE);
        let account = signed_in(store, cookie.as_deref(), now).await?.or_else(|| latest_account(&events));
        let customer = match account {
            Some(id) => Customer::read(store, id, now).await?,
            None => None,
        };
        let own: Vec<Event> =
            events.iter().filter(|event| account.is_some() && event.account == account).cloned().collect();
        let scene = Scene {
            customer: customer.as_ref(),
            events: &own,
            shop: &of_latest_person(&shop.receipts),
            go: &of_latest_person(&go.receipts),
            hotel: &of_latest_person(&hotel.receipts),
            host_is_down: host.is_down(),
        };
        let files = Files { settings: &self.props.settings, clients: &self.props.clients };
        let mut frame = visit.frame(&self.props.words, "/demo/demo.css");
        let live = visit.query("live").is_some();
        frame.refresh_seconds = live.then_some(3);
        let page = Page {
            live,
            steps: steps(&scene, &files),
            customer: customer.as_ref().map(CustomerView::of),
            received: [(shop, "stage.shop_received"), (go, "stage.go_received"), (hotel, "stage.hotel_received")]
                .map(|(site, title)| ReceivedView::of(site, title)),
            events: events.iter().take(EVENTS_SHOWN).map(EventView::of).collect(),
            host: HostView::of(host),
            places: self.places(visit.lang),
            people: PersonView::cast(&self.props.simulators),
            frame: &frame,
        };
        let origins = ["shop", "hotel", "mail"].map(|name| self.props.addresses.origin(name)).join(" ");
        Ok(html(&page, &frame, &origins))
    }

    fn places(&self, lang: Lang) -> Vec<Place> {
        let addresses = self.props.addresses;
        let spoken = |url: &str| format!("{url}?ui_locales={}", lang.as_str());
        let host = |id, key| Place { id, key, url: spoken(&format!("{}/", addresses.origin(id))) };
        vec![
            host("shop", "stage.place_shop"),
            host("go", "stage.place_go"),
            host("hotel", "stage.place_hotel"),
            host("mail", "stage.place_mail"),
            // The loyalty host is another house with other habits.
            Place {
                id: "loyalty",
                key: "stage.place_loyalty",
                url: format!("{}/?lang={}", addresses.origin("loyalty"), lang.as_str()),
            },
            Place {
                id: "account",
                key: "stage.place_account",
                url: spoken(&format!("{}/account", addresses.issuer())),
            },
        ]
    }

    /// The number the levers act on: the customer's own, else Mina's.
    async fn number(&self, visit: &Visit) -> Result<String, Error> {
        let Props { store, clock, .. } = &self.props;
        let cookie = visit.cookie(SESSION_COOKIE);
        let account = match signed_in(store, cookie.as_deref(), clock.now()).await? {
            Some(account) => Some(account),
            None => latest_account(&self.chronicle.events(store).await?),
        };
        let memberships = match account {
            Some(account) => store.memberships(account).await?,
            None => Vec::new(),
        };
        Ok(memberships.into_iter().next().map_or_else(|| MINA.to_owned(), |membership| membership.number))
    }

    /// Sets the scene of a step; gives the address to go on with.
    async fn act(&self, visit: &Visit, name: &str) -> Result<Option<String>, Error> {
        let Props { host, addresses, .. } = &self.props;
        let (shop, hotel) = (addresses.origin("shop"), addresses.origin("hotel"));
        Ok(Some(match name {
            "sign-in" => format!("{shop}/sign-in"),
            "connect" => format!("{shop}/connect"),
            "mail" => format!("{}/", addresses.origin("mail")),
            "take-down" => {
                host.set_down(true);
                format!("{shop}/sign-in?after=%2F%3Flive%3D1")
            }
            "bring-up" => {
                host.set_down(false);
                addresses.stage()
            }
            "promote" => {
                host.set_down(false);
                promote(host, &self.number(visit).await?);
                format!("{shop}/?live=1")
            }
            "hotel" => format!("{hotel}/sign-in"),
            "account" => format!("{}/account", addresses.issuer()),
            _ => return Ok(None),
        }))
    }
}

/// One tier up; from the top back to gold, so that the step can be played again.
fn promote(host: &LoyaltyHost, number: &str) {
    let is_top = host.member(number).is_some_and(|member| TIERS.last() == Some(&member.tier.as_str()));
    if is_top {
        host.set_tier(number, "gold");
    } else {
        host.promote(number, 1);
    }
}

async fn act(State(stand): State<Arc<Stand>>, visit: Visit, body: Bytes) -> Response {
    if visit.is_foreign() {
        return StatusCode::FORBIDDEN.into_response();
    }
    match stand.act(&visit, Form::parse(&body).field("do")).await {
        Ok(Some(url)) => {
            let separator = if url.contains('?') { '&' } else { '?' };
            Redirect::to(&format!("{url}{separator}ui_locales={}", visit.lang.as_str())).into_response()
        }
        Ok(None) => StatusCode::BAD_REQUEST.into_response(),
        Err(error) => {
            tracing::error!(%error, "the stage cannot read the store");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
