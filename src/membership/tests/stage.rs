//! What the tests have in common.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::contract::Contract;
use crate::cache::Cache;
use crate::demo::loyalty_host::{Access, LoyaltyHost, MINA};
use crate::membership::{
    Answer, Begin, Begun, Holder, Linked, Membership, MembershipSettings, Method, Proven, StartedLink, Unlinked,
};
use crate::model::{Clock, Locale, MembershipId, ProgrammeId, Random, Secret, UnixTime};
use crate::outbound::{Outbound, OutboundSettings};
use crate::store::{DatabaseSettings, NewAccount, Store, Vault};

pub(super) const NOON: UnixTime = UnixTime(1_795_435_200);
/// Surname and birth date of Mina.
pub(super) const MINA_KBA: (&str, &str) = ("김", "1994-05-17");
pub(super) const MINA_PIN: &str = "482915";
const SECRET: &str = "the host's secret";

impl From<(&str, &str)> for Answer {
    fn from((family_name, birthdate): (&str, &str)) -> Self {
        Self::Knowledge { family_name: family_name.into(), birthdate: birthdate.into() }
    }
}

/// The host, the room and what is around them.
pub(super) struct Stage {
    pub host: LoyaltyHost,
    pub room: Membership,
    pub store: Store,
    pub clock: Clock,
    pub skyway: ProgrammeId,
    pub base_url: String,
    pub mailbox: Arc<Mutex<Vec<(String, String)>>>,
    violations: Arc<Mutex<Vec<String>>>,
}

pub(super) fn settings(base_url: &str, auth: &str) -> MembershipSettings {
    let text = format!(
        r#"
        [[programme]]
        id = "skyway"
        names = {{ ko = "스카이웨이 클럽", en = "SkyWay Club", ja = "スカイウェイクラブ" }}
        number = {{ pattern = "[0-9]{{10}}", check = "mod7", example = "0012345675" }}
        proofs = ["otp", "pin", "kba"]
        host = {{ kind = "http", base_url = "{base_url}", auth = {auth} }}
        tier = [
            {{ code = "member", rank = 0, names = {{ en = "Member" }} }},
            {{ code = "silver", rank = 1, names = {{ en = "Silver" }} }},
            {{ code = "gold", rank = 2, names = {{ en = "Gold" }} }},
            {{ code = "platinum", rank = 3, names = {{ en = "Platinum" }} }},
        ]
        "#
    );
    toml::from_str(&text).unwrap()
}

pub(super) fn bearer() -> String {
    format!(r#"{{ method = "bearer", secret = "{SECRET}" }}"#)
}

pub(super) fn outbound() -> Outbound {
    Outbound::new(&OutboundSettings { allow_hosts: vec!["127.0.0.1".to_owned()], ..Default::default() }).unwrap()
}

impl Stage {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A stage whose settings are changed first.
    pub(super) async fn with(change: impl FnOnce(&mut MembershipSettings)) -> Self {
        Self::build(Access::Bearer(SECRET.into()), &bearer(), change).await
    }

    pub(super) async fn build(access: Access, auth: &str, change: impl FnOnce(&mut MembershipSettings)) -> Self {
        let (clock, random) = (Clock::manual(NOON), Random::new());
        let mailbox = Arc::<Mutex<Vec<(String, String)>>>::default();
        let messages = Arc::clone(&mailbox);
        let host = LoyaltyHost::skyway(access, clock.clone(), random.clone(), move |to, text| {
            messages.lock().unwrap().push((to.to_owned(), text.to_owned()));
        });
        let violations = Arc::<Mutex<Vec<String>>>::default();
        let (contract, found) = (Contract::read(), Arc::clone(&violations));
        host.tap(move |exchange| found.lock().unwrap().extend(contract.judge(exchange)));
        let address = host.listen().await.unwrap();
        let base_url = format!("http://{address}/api");
        let mut settings = settings(&base_url, auth);
        change(&mut settings);
        let store = new_store().await;
        let cache = Cache::memory(clock.clone());
        let room = Membership::new(settings, store.clone(), cache, &outbound(), random, clock.clone()).unwrap();
        Self { host, room, store, clock, skyway: "skyway".into(), base_url, mailbox, violations }
    }

    /// A new account in a new browser.
    pub(super) async fn holder(&self) -> Holder {
        let random = Random::new();
        let person = NewAccount {
            stage: crate::model::account::Stage::Registered,
            locale: Locale::english(),
            zoneinfo: "Asia/Seoul".to_owned(),
            contact: None,
            identity: None,
            password_hash: None,
            attributes: Vec::new(),
            acceptances: Vec::new(),
        };
        Holder { account: self.store.register_account(person, NOON).await.unwrap(), session: random.id(NOON) }
    }

    pub(super) async fn begin(&self, holder: Holder, number: &str, method: Method) -> Begun {
        self.begin_from(holder, number, method, None).await
    }

    pub(super) async fn begin_from(&self, holder: Holder, number: &str, method: Method, ip: Option<IpAddr>) -> Begun {
        let locale = Locale::english();
        let wish = Begin { holder, programme: &self.skyway, number, method, ip, locale: &locale };
        self.room.begin(wish).await.unwrap()
    }

    pub(super) async fn start(&self, holder: Holder, number: &str, method: Method) -> StartedLink {
        match self.begin(holder, number, method).await {
            Begun::Started(link) => link,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn prove(&self, link: &StartedLink, holder: Holder, answer: &Answer) -> Proven {
        self.room.prove(link.transaction.expose(), holder, answer, None).await.unwrap()
    }

    /// The six digits of the latest message.
    pub(super) fn code(&self) -> Answer {
        let (_, text) = self.mailbox.lock().unwrap().last().cloned().unwrap();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        Answer::Code(digits.as_str().into())
    }

    /// Links Mina's number by OTP.
    pub(super) async fn link_mina(&self, holder: Holder) -> Linked {
        let link = self.start(holder, MINA, Method::Otp).await;
        match self.prove(&link, holder, &self.code()).await {
            Proven::Linked(linked) => *linked,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn unlink(&self, holder: Holder, membership: MembershipId) {
        assert_eq!(self.room.unlink(holder.account, membership).await.unwrap(), Unlinked::Unlinked);
    }

    /// What the store says of the holder's first membership.
    pub(super) async fn member(&self, holder: Holder) -> crate::model::member::Membership {
        self.store.memberships(holder.account).await.unwrap().remove(0)
    }

    /// The kinds of the events told so far.
    pub(super) async fn events(&self, kind: &str) -> usize {
        let events = self.store.events(None, None, 10_000).await.unwrap();
        events.iter().filter(|event| event.kind == kind).count()
    }

    /// How many calls of the host have a path that begins so.
    pub(super) fn calls(&self, path: &str) -> usize {
        self.host.requests().iter().filter(|call| call.path.starts_with(path)).count()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(*self.violations.lock().unwrap(), Vec::<String>::new());
        }
    }
}

/// An answer that is never right.
pub(super) fn wrong_answer(method: Method) -> Answer {
    match method {
        // No code of the host has seven digits.
        Method::Otp => Answer::Code("0000000".into()),
        Method::Pin => Answer::Pin("000000".into()),
        Method::Kba => ("김", "1994-05-18").into(),
    }
}

/// Lets the test fail rather than hang.
pub(super) async fn within<T>(milliseconds: u64, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_millis(milliseconds), future).await.expect("it takes too long")
}

async fn new_store() -> Store {
    let vault = Vault::new(vec![Secret::new([7; 32])]).unwrap();
    let store = Store::open(&DatabaseSettings::new("sqlite::memory:"), vault, Random::new()).await.unwrap();
    store.migrate().await.unwrap();
    store
}
