//! A browser of few means: cookies, redirects, and the forms of our pages.

use std::collections::BTreeMap;

use scraper::{ElementRef, Html, Selector};

use crate::balancer::{Balancer, Gone};
use crate::http::{Reply, Request};
use crate::site::{ISSUER, REDIRECT_URI};

pub struct Browser<'a> {
    pub balancer: &'a Balancer,
    pub jar: BTreeMap<String, String>,
}

/// A form about to be sent.
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Browser<'_> {
    pub async fn get(&mut self, target: &str) -> Result<Reply, Gone> {
        self.step(Request::get(target)).await
    }

    /// Follows redirects, until they lead to the client.
    pub async fn follow(&mut self, mut reply: Reply) -> Result<Reply, Gone> {
        for _ in 0..10 {
            let Some(next) = reply.location().filter(|next| !next.starts_with(REDIRECT_URI)) else { break };
            let next = next.trim_start_matches(ISSUER).to_owned();
            reply = self.get(&next).await?;
        }
        Ok(reply)
    }

    /// Presses a button of the page; `None` when it has no such button.
    pub async fn press(&mut self, page: &Reply, button: &str, filled: &[(&str, &str)]) -> Option<Result<Reply, Gone>> {
        let form = form_of(&page.text(), button, filled)?;
        let fields: Vec<(&str, &str)> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = Request::post(form.action.trim_start_matches(ISSUER), &fields).header("origin", ISSUER);
        Some(self.step(request).await)
    }

    async fn step(&mut self, mut request: Request) -> Result<Reply, Gone> {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", &cookies.join("; "));
        }
        let request = request.header("accept", "text/html").header("accept-language", "en");
        let reply = self.balancer.send(request).await?;
        for cookie in reply.headers.get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(reply)
    }
}

fn form_of(html: &str, button: &str, filled: &[(&str, &str)]) -> Option<Form> {
    let document = Html::parse_document(html);
    let button = document.select(&Selector::parse(&format!("button[id={button:?}]")).unwrap()).next()?;
    let form = button.ancestors().filter_map(ElementRef::wrap).find(|element| element.value().name() == "form")?;
    let mut fields = Vec::new();
    for input in form.select(&Selector::parse("input[name]").unwrap()) {
        let input = input.value();
        let name = input.attr("name").unwrap_or_default();
        let is_box = matches!(input.attr("type"), Some("checkbox" | "radio"));
        if is_box && input.attr("checked").is_none() {
            continue;
        }
        let own = input.attr("value").unwrap_or(if is_box { "on" } else { "" });
        let value = filled.iter().find(|(wanted, _)| *wanted == name).map_or(own, |(_, value)| value);
        fields.push((name.to_owned(), value.to_owned()));
    }
    if let Some(name) = button.value().attr("name") {
        fields.push((name.to_owned(), button.value().attr("value").unwrap_or_default().to_owned()));
    }
    Some(Form { action: form.value().attr("action").unwrap_or_default().to_owned(), fields })
}
