//! A provider people come from: the demo's simulator of Google, served by the test's own process.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use comity::demo::simulators::{Person, Provider, ProviderClient, SimulatorKeys, SimulatorSettings, Simulators};
use comity::model::identity::IdentityKey;
use comity::model::{Clock, Random};
use comity::web::listen::{self, Limits};
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::Url;

use crate::support::Page;
use crate::support::lossy::{Lost, Walker};

/// More than any round has time for.
const PEOPLE: usize = 60;

#[derive(Clone)]
pub struct Google {
    simulators: Simulators,
    port: u16,
    round: Arc<AtomicUsize>,
    next: Arc<AtomicUsize>,
    _open: Arc<watch::Sender<bool>>,
}

impl Google {
    pub async fn open(issuer: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let callback = format!("{issuer}/federation/google/callback");
        let simulators = Simulators::new(SimulatorSettings {
            clients: vec![ProviderClient::new(Provider::Google, "comity", "secret-of-the-tests", &callback)],
            base_url: Arc::new(move |_| format!("http://google.localhost:{port}")),
            clock: Clock::system(),
            random: Random::new(),
            keys: SimulatorKeys::default(),
        });
        let (open, stopped) = watch::channel(false);
        tokio::spawn(listen::serve(listener, simulators.router(Provider::Google), Limits::default(), stopped));
        Self { simulators, port, round: Arc::default(), next: Arc::default(), _open: Arc::new(open) }
    }

    /// The connection's row in the settings.
    pub fn connection(&self) -> String {
        format!(
            "[[connections]]\nid = \"google\"\norigin = \"http://google.localhost:{}\"\nclient_id = \"comity\"\n\
             client_secret = \"secret-of-the-tests\"\n",
            self.port
        )
    }

    /// New people for a round.
    pub fn welcome(&self, round: u32) {
        self.round.store(round as usize, Ordering::Relaxed);
        self.next.store(0, Ordering::Relaxed);
        let person = |number: usize| {
            let id = format!("r{round}p{number}");
            Person {
                subject: format!("1{round:010}{number:010}"),
                name: format!("Person {id}"),
                email: Some(format!("{id}@gmail.com")),
                email_verified: true,
                id,
                ..Person::default()
            }
        };
        self.simulators.set_people(Provider::Google, (0..PEOPLE).map(person).collect());
    }

    /// Somebody nobody has been yet.
    pub fn somebody(&self) -> Person {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let people = self.simulators.people(Provider::Google);
        people.get(number).expect("enough people for a round").clone()
    }

    /// What a person is known by.
    pub fn key(&self, person: &Person) -> IdentityKey {
        IdentityKey {
            connection: "google".into(),
            issuer: format!("http://google.localhost:{}", self.port),
            subject: person.subject.clone(),
        }
    }

    /// Signs in and allows; gives the callback.
    pub async fn sign_in(&self, walker: &mut Walker, there: &Url, person: &Person) -> Result<Url, Lost> {
        let (page, _): (Page, _) = walker.post(there, &[("user", &person.id)]).await?;
        let (page, callback) = walker.press(&page, "allow", &[]).await?;
        Ok(callback.unwrap_or_else(|| panic!("no way back from Google: {}", page.text("body"))))
    }
}
