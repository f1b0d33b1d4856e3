//! How a person connects a member number.

use comity::demo::loyalty_host::{MINA, Member};
use comity::membership::Round;
use serde_json::Value;

use super::browser::Browser;
use super::page::Page;
use super::rp::Rp;
use super::stage::Stage;
use super::tokens::Tokens;

/// The airline's shop: a client that may learn all there is of a membership, once the person agrees.
const SHOP: &str = r#"
[[client]]
client_id = "shop"
client_name = "SkyWay Shop"
legal_entity = "SkyWay Airlines Co., Ltd."
token_endpoint_auth_method = "none"
redirect_uris = ["https://rp.example/callback"]
grant_types = ["authorization_code", "refresh_token"]
[client.release]
scopes = ["openid", "profile", "stage", "membership", "membership.number", "membership.points", "offline_access"]
"#;

/// What the shop asks for.
pub const FARES: &str = "openid profile stage membership membership.number membership.points";

/// Where the ceremony is.
pub const CEREMONY: &str = "/account/link/skyway";

impl Browser {
    /// Types a member number and chooses how to prove it.
    pub async fn begin_link(&mut self, number: &str, method: &str) -> &Page {
        self.open(CEREMONY).await;
        self.assert_at(CEREMONY);
        self.fill("number", number).press("continue").await;
        if self.page.has_field("method") {
            self.tick(&format!("method-{method}")).press("continue").await;
        }
        &self.page
    }

    /// Allows a client everything it asks for, boxes included.
    pub async fn allow_everything(&mut self) -> &Page {
        self.assert_at("/consent");
        for id in self.page.all("input[type=checkbox]", |it| it.attr("id").unwrap().to_owned()) {
            self.tick(&id);
        }
        self.press("allow").await
    }

    /// Answers with a PIN.
    pub async fn prove_by_pin(&mut self, pin: &str) -> &Page {
        self.fill("pin", pin).press("continue").await
    }

    /// Answers with a surname and a date of birth.
    pub async fn prove_by_knowledge(&mut self, family_name: &str, birthdate: &str) -> &Page {
        self.fill("family_name", family_name).fill("birthdate", birthdate).press("continue").await
    }

    /// Answers with the code the host sent.
    pub async fn prove_by_code(&mut self, stage: &Stage, member: &Member) -> &Page {
        let code = stage.code_texted_to(&member.phone);
        self.fill("code", &code).press("continue").await
    }
}

impl Stage {
    /// The shop as its developer has it.
    pub async fn shop(&self) -> Rp {
        self.register(SHOP).await;
        self.rp("shop")
    }

    /// What the shop gets of the person signed in here, allowing what is asked.
    pub async fn fares(&self, browser: &mut Browser) -> (Tokens, Value) {
        let shop = self.shop().await;
        browser.open(&shop.authorize().with("scope", FARES).url()).await;
        if browser.is_at("/consent") {
            browser.allow_everything().await;
        }
        let code = shop.code(browser);
        let tokens = shop.redeem(&code).await;
        let claims = shop.claims(&tokens).await;
        (tokens, claims)
    }

    /// 김민지 as the loyalty host knows her.
    pub fn mina(&self) -> Member {
        self.host.member(MINA).unwrap()
    }

    /// The six digits of the latest text the host sent to a number.
    pub fn code_texted_to(&self, phone: &str) -> String {
        let text = self.texts_to(phone).pop().expect("a text message");
        let digits: String = text.chars().map(|c| if c.is_ascii_digit() { c } else { ' ' }).collect();
        digits.split(' ').find(|word| word.len() == 6).expect("a code").to_owned()
    }

    /// Connects Mina's number to the account signed in here, by the code the host texts her.
    pub async fn link_mina(&self, browser: &mut Browser) {
        browser.begin_link(MINA, "otp").await;
        browser.prove_by_code(self, &self.mina()).await;
        assert!(browser.page.url.query().unwrap_or_default().contains("done="), "{}", browser.page.text("main"));
    }

    /// What the background does between two looks at the feed of changes.
    pub async fn catch_up(&self) -> Round {
        self.app().web().memberships.catch_up(&"skyway".into()).await.unwrap()
    }

    /// What the background does to tell the host of links.
    pub async fn send_notices(&self) -> Round {
        self.app().web().memberships.send_notices(&"skyway".into()).await.unwrap()
    }
}

/// The one membership among the claims.
#[track_caller]
pub fn membership(claims: &Value) -> &Value {
    let memberships = claims["urn:comity:memberships"].as_array().expect("memberships");
    assert_eq!(memberships.len(), 1, "{claims}");
    &memberships[0]
}
