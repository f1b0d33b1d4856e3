//! The server is killed in the middle of its work, a hundred times, and started again. What it answered stands; what it
//! did not answer happened whole or not at all; nothing that works once works twice.
//!
//! A round: some people at once fetch and refresh tokens, answer consent pages, sign up and link logins, until the
//! process is gone (SIGKILL at a random moment). Then it starts again on the same database, and everything the clients
//! saw is held against it and against the records.

mod answers;
mod chains;
mod google;
mod newcomers;
mod people;

use std::time::{Duration, Instant};

use comity::model::Random;
use tokio::task::JoinSet;

use self::google::Google;
use self::people::{Books, Person};
use crate::support::Backend;
use crate::support::lossy::Door;
use crate::support::phone::PHONE;
use crate::support::process::{Site, note};
use crate::support::resident::Resident;

const ROUNDS: u32 = 100;
/// People who fetch tokens, who answer consent pages, who link logins, and strangers who sign up.
const FETCHERS: usize = 3;
const ANSWERERS: usize = 2;
const LINKERS: usize = 1;
const STRANGERS: usize = 2;

const HOTEL: &str = r#"
[[client]]
client_id = "hotel"
client_name = "Hotel Haneul"
legal_entity = "Hotel Haneul Co., Ltd."
client_secret = "hotel-secret-of-the-tests"
relationship = "third_party"
redirect_uris = ["https://hotel.example/callback"]
release = { scopes = ["openid", "profile", "email"] }
"#;

#[test]
fn nothing_is_lost_or_doubled_on_sqlite() {
    storm(Backend::Sqlite);
}

#[test]
fn nothing_is_lost_or_doubled_on_postgres() {
    storm(Backend::Postgres);
}

fn storm(backend: Backend) {
    let Some(site) = Site::new(backend) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(rounds(&site));
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn rounds(site: &Site) {
    let google = Google::open(&site.issuer()).await;
    site.write("clients.toml", &format!("{PHONE}{HOTEL}"));
    site.configure(&google.connection());
    let store = site.store().await;
    let mut people = Vec::new();
    let residents = FETCHERS + ANSWERERS + LINKERS;
    for number in 0..residents {
        people.push(Person::new(Resident::register(&store, &format!("person-{number}@example.com")).await));
    }
    store.close().await;
    drop(store);
    let mut server = site.start().await;
    let mut books = Books::default();
    let began = Instant::now();
    for round in 0..ROUNDS {
        google.welcome(round);
        let seen = burst(site, &google, &people, || server.kill()).await;
        let restart = Instant::now();
        server = site.start().await;
        books.restarts += restart.elapsed();
        books.check(site, &google, &mut people, seen).await;
    }
    note(&format!("{ROUNDS} rounds in {:.1} s: {books}", began.elapsed().as_secs_f64()));
    books.assert_they_were_worth_it(site);
}

/// What the clients of a round saw.
#[derive(Default)]
pub struct Seen {
    chains: Vec<(usize, Vec<chains::Chain>)>,
    answers: Vec<(usize, answers::Answers)>,
    newcomers: Vec<newcomers::Newcomer>,
    links: Vec<(usize, newcomers::Linked)>,
}

enum One {
    Chains(usize, Vec<chains::Chain>),
    Answers(usize, answers::Answers),
    Newcomers(Vec<newcomers::Newcomer>),
    Links(usize, Vec<newcomers::Linked>),
}

/// Everybody at once, until the server is killed.
async fn burst(site: &Site, google: &Google, people: &[Person], kill: impl FnOnce()) -> Seen {
    let mut tasks: JoinSet<One> = JoinSet::new();
    for (number, person) in people.iter().enumerate() {
        let (site, session, google) = (Door::of(site), person.resident.cookie.clone(), google.clone());
        if number < FETCHERS {
            tasks.spawn(async move { One::Chains(number, chains::fetch(&site, &session).await) });
        } else if number < FETCHERS + ANSWERERS {
            tasks.spawn(async move { One::Answers(number, answers::answer(&site, &session).await) });
        } else {
            tasks.spawn(async move { One::Links(number, newcomers::link(&site, &session, &google).await) });
        }
    }
    for _ in 0..STRANGERS {
        let (site, google) = (Door::of(site), google.clone());
        tasks.spawn(async move { One::Newcomers(newcomers::sign_up(&site, &google).await) });
    }
    // The moment is what is random here: nothing can be polled for it.
    let [moment] = Random::new().bytes::<1>();
    tokio::time::sleep(Duration::from_millis(40 + u64::from(moment) / 2)).await;
    kill();
    let mut seen = Seen::default();
    while let Some(one) = tasks.join_next().await {
        match one.unwrap() {
            One::Chains(person, chains) => seen.chains.push((person, chains)),
            One::Answers(person, answers) => seen.answers.push((person, answers)),
            One::Newcomers(newcomers) => seen.newcomers.extend(newcomers),
            One::Links(person, links) => seen.links.extend(links.into_iter().map(|link| (person, link))),
        }
    }
    seen
}
