//! How people go through the pages of providers, and through ours behind them.

use std::net::SocketAddr;

use comity::demo::simulators::{Person, Provider};
use url::Url;

use super::browser::Browser;
use super::http::{Request, send};
use super::page::Page;
use super::rp::Rp;
use super::stage::Stage;
use super::tokens::Tokens;

impl Browser {
    /// Presses a provider's button on our page and goes through the provider's pages as one of its people.
    pub async fn sign_in_at(&mut self, provider: Provider, person: &str) -> &Page {
        self.press(&format!("connection-{provider}")).await;
        self.pass(person).await
    }

    /// Goes through a provider's pages as one of its people, allowing what is asked. Someone else's session there is
    /// left.
    pub async fn pass(&mut self, person: &str) -> &Page {
        for _ in 0..6 {
            if !self.is_at_provider() {
                return &self.page;
            }
            let button = self.way_on(person);
            self.press(&button).await;
        }
        panic!("the provider does not let go: {}", self.page.text("main"));
    }

    /// Whether a provider's page is shown.
    pub fn is_at_provider(&self) -> bool {
        !self.page.away && self.page.has("main[data-simulator]")
    }

    fn way_on(&self, person: &str) -> String {
        let user = format!("user-{person}");
        for button in [user.as_str(), "allow", "continue"] {
            if self.page.has(&format!("button[id={button:?}]")) {
                return button.to_owned();
            }
        }
        panic!("no way on: {}", self.page.text("main"));
    }

    /// Whether the sign-up page, the page about an existing account, or another page of ours is shown.
    pub fn is_at(&self, path: &str) -> bool {
        !self.page.away && !self.is_at_provider() && self.page.url.path() == path
    }

    /// Presses a button of a provider's page, and gives the address the browser is sent to instead of going there;
    /// `None` when it is asked more.
    pub async fn way_back(&self, button: &str) -> Option<Url> {
        let form = self.page.form_of(button, &[]).expect("the button");
        let url = self.page.url.join(&form.action).unwrap();
        let target = format!("{}?{}", url.path(), url.query().unwrap_or_default());
        let fields = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let cookies = self.jar.header(&url, false).unwrap_or_default();
        let request = Request::post(&target).form(fields).header("cookie", &cookies);
        let (host, port) = (url.host_str().unwrap(), url.port().unwrap());
        let reply = send(SocketAddr::from(([127, 0, 0, 1], port)), &format!("{host}:{port}"), request).await;
        reply.header("location").map(|location| location.parse().unwrap())
    }

    /// Goes to a provider from our sign-in page and comes to the last page before the way back; gives that way.
    pub async fn almost_back(&mut self, provider: Provider, person: &str) -> Url {
        self.press(&format!("connection-{provider}")).await;
        for _ in 0..3 {
            let button = self.way_on(person);
            if let Some(callback) = self.way_back(&button).await {
                return callback;
            }
            self.press(&button).await;
        }
        panic!("the provider does not let go: {}", self.page.text("main"));
    }

    /// Accepts the required documents on the sign-up page, with the name as it stands there.
    pub async fn sign_up(&mut self) -> &Page {
        self.assert_at("/sign-up");
        for id in self.page.all("input[type=checkbox][required]", |it| it.attr("id").unwrap().to_owned()) {
            self.tick(&id);
        }
        self.press("continue").await
    }

    /// Says what is left to say after a login at a provider: I am new, I accept, I allow.
    pub async fn settle_as_new(&mut self) -> &Page {
        if self.is_at("/sign-in/account") {
            self.press("new").await;
        }
        if self.is_at("/sign-up") {
            self.sign_up().await;
        }
        if self.is_at("/consent") {
            self.press("allow").await;
        }
        &self.page
    }
}

impl Rp {
    /// Goes the whole way for the scope `openid profile email`, signing in at a provider.
    pub async fn sign_in_at(&self, browser: &mut Browser, provider: Provider, person: &str) -> Tokens {
        self.sign_in_at_for(browser, provider, person, "openid profile email").await
    }

    /// Goes the whole way, signing in at a provider, as somebody new if need be.
    pub async fn sign_in_at_for(&self, browser: &mut Browser, provider: Provider, person: &str, scope: &str) -> Tokens {
        browser.open(&self.authorize().with("scope", scope).url()).await;
        if browser.is_at("/sign-in") {
            browser.sign_in_at(provider, person).await;
        }
        browser.settle_as_new().await;
        let code = self.code(browser);
        self.redeem(&code).await
    }
}

impl Stage {
    /// Begins a request of the usual client, and shows the sign-in page.
    pub async fn begin(&self) -> (Rp, Browser) {
        let (rp, mut browser) = (self.rp("web"), self.browser());
        browser.open(&rp.authorize().url()).await;
        browser.assert_at("/sign-in");
        (rp, browser)
    }

    /// Changes a person as a provider knows them.
    pub fn change_person(&self, provider: Provider, person: &str, change: impl FnOnce(&mut Person)) {
        let mut people = self.simulators.people(provider);
        change(people.iter_mut().find(|known| known.id == person).unwrap());
        self.simulators.set_people(provider, people);
    }

    /// Asserts that the sign-in page is shown again, with what went wrong at the provider.
    #[track_caller]
    pub fn assert_sent_back(&self, browser: &Browser, problem: &str) {
        browser.assert_at("/sign-in");
        self.assert_problem(browser, problem);
    }
}
