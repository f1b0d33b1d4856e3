//! What came back, read as a browser without scripts reads it.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use scraper::{Html, Selector};
use serde_json::Value;

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    /// Where it came from, for forms without a path.
    pub(super) path: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    pub(super) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).unwrap_or_else(|| panic!("no redirect: {self:?}")).to_str().unwrap()
    }

    /// Parameters of the callback, wherever they travel.
    pub(super) fn callback(&self) -> BTreeMap<String, String> {
        if self.status == StatusCode::SEE_OTHER {
            let (_, rest) = self.location().split_once(['?', '#']).unwrap();
            let encoded = rest.split('#').next().unwrap();
            return url::form_urlencoded::parse(encoded.as_bytes()).into_owned().collect();
        }
        assert!(self.has("#callback"), "no callback: {}", self.body);
        let page = Html::parse_document(&self.body);
        let inputs = Selector::parse("#callback input").unwrap();
        let pair = |input: scraper::ElementRef<'_>| {
            (input.attr("name").unwrap().to_owned(), input.attr("value").unwrap_or_default().to_owned())
        };
        page.select(&inputs).map(pair).collect()
    }

    pub(super) fn code(&self) -> String {
        self.callback().get("code").unwrap_or_else(|| panic!("no code: {self:?}")).clone()
    }

    pub(super) fn has(&self, selector: &str) -> bool {
        Html::parse_document(&self.body).select(&Selector::parse(selector).unwrap()).next().is_some()
    }

    /// What the form around the button sends, with these boxes unticked and radio buttons picked.
    pub(super) fn form(&self, button: &str, changed: &[&str]) -> (String, Vec<(String, String)>) {
        let page = Html::parse_document(&self.body);
        let select = |selector: &str| Selector::parse(selector).unwrap();
        let form = page
            .select(&select("form"))
            .find(|form| form.select(&select(button)).next().is_some())
            .unwrap_or_else(|| panic!("no {button}: {}", self.body));
        let mut fields = Vec::new();
        for input in form.select(&select("input")) {
            let is_changed = changed.iter().any(|id| input.attr("id") == Some(id));
            let sends = match input.attr("type") {
                Some("checkbox") => input.attr("checked").is_some() != is_changed,
                Some("radio") if changed.is_empty() => input.attr("checked").is_some(),
                Some("radio") => is_changed,
                _ => true,
            };
            if sends {
                fields.push((input.attr("name").unwrap().to_owned(), input.attr("value").unwrap().to_owned()));
            }
        }
        let pressed = form.select(&select(button)).next().unwrap();
        fields.extend(pressed.attr("name").map(|name| (name.to_owned(), pressed.attr("value").unwrap().to_owned())));
        let action = form.attr("action").unwrap();
        let target = if action.starts_with('?') { format!("{}{action}", self.path) } else { action.to_owned() };
        (target, fields)
    }
}
