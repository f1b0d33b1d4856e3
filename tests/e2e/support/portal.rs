//! The account page, as its owner uses it.

use comity::model::account::Stage;
use comity::model::contact::ContactKind;
use comity::model::{AccountId, Locale};
use comity::store::{NewAccount, NewContact};

use super::browser::Browser;
use super::world::World;

impl World {
    /// A browser signed in on the account page; the person is made if there is none yet.
    pub async fn on_account_page(&self, email: &str) -> Browser {
        if self.owner_of(email).await.is_none() {
            self.person(email, "Mina Kim").await;
        }
        let mut browser = self.browser();
        browser.open("/account").await;
        browser.sign_in(self, email).await;
        browser.assert_at("/account");
        browser
    }

    /// An account in a state no page of ours leaves it in.
    pub async fn account_at(&self, stage: Stage, email: &str, verified: bool) -> AccountId {
        let new = NewAccount {
            stage,
            locale: Locale::english(),
            zoneinfo: "Asia/Seoul".to_owned(),
            contact: Some(NewContact { kind: ContactKind::Email, value: email.to_owned(), verified }),
            identity: None,
            password_hash: None,
            attributes: Vec::new(),
            acceptances: Vec::new(),
        };
        self.store().register_account(new, self.now()).await.unwrap()
    }

    /// The account that proved an address.
    pub async fn owner_of(&self, email: &str) -> Option<AccountId> {
        self.store().verified_owners(ContactKind::Email, email).await.unwrap().first().copied()
    }

    /// Asserts that the account page says something is done.
    #[track_caller]
    pub fn assert_done(&self, browser: &Browser, what: &str) {
        browser.assert_at("/account");
        let told = browser.page.text("[role=status] .done");
        assert_eq!(told, self.say("en", &format!("done.{what}")), "{}", browser.problem());
    }

    /// Asserts that the page says what is wrong.
    #[track_caller]
    pub fn assert_problem(&self, browser: &Browser, problem: &str) {
        assert_eq!(browser.problem(), self.say("en", &format!("problem.{problem}")), "{}", browser.page.text("main"));
    }
}

impl Browser {
    /// The ids of the page's buttons of a name.
    pub fn buttons(&self, name: &str) -> Vec<String> {
        self.page.all(&format!("button[name={name}]"), |it| it.attr("id").unwrap().to_owned())
    }

    /// Adds an address on the account page, by the code sent there.
    pub async fn add_address(&mut self, world: &World, email: &str) {
        self.fill("email", email).press("add-email").await;
        self.assert_at("/account/email");
        self.fill("code", &world.code_mailed_to(&email.to_lowercase())).press("continue").await;
    }
}
