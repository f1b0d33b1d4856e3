//! What a browser shows.

use http::HeaderMap;
use scraper::{ElementRef, Html, Selector};
use url::Url;

/// A page, or the address at which the way ended.
#[derive(Clone, Debug)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
    /// Whether nobody serves this address here: the way led out.
    pub away: bool,
    /// The form that was sent there.
    pub posted: Vec<(String, String)>,
}

/// A form about to be sent.
#[derive(Debug)]
pub struct Form {
    pub action: String,
    pub is_post: bool,
    pub fields: Vec<(String, String)>,
}

impl Page {
    pub fn blank() -> Self {
        let url = Url::parse("about:blank").unwrap();
        Self { url, status: 200, headers: HeaderMap::new(), html: String::new(), away: false, posted: Vec::new() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Runs `look` on the first element that matches.
    pub fn look<T>(&self, selector: &str, look: impl FnOnce(ElementRef<'_>) -> T) -> Option<T> {
        let document = Html::parse_document(&self.html);
        document.select(&Selector::parse(selector).unwrap()).next().map(look)
    }

    /// What `look` sees in each element that matches.
    pub fn all<T>(&self, selector: &str, look: impl Fn(ElementRef<'_>) -> T) -> Vec<T> {
        let document = Html::parse_document(&self.html);
        document.select(&Selector::parse(selector).unwrap()).map(look).collect()
    }

    pub fn has(&self, selector: &str) -> bool {
        self.look(selector, |_| ()).is_some()
    }

    /// The text of the first element that matches, white space folded; empty when there is none.
    pub fn text(&self, selector: &str) -> String {
        self.look(selector, text_of).unwrap_or_default()
    }

    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        self.look(selector, |element| element.value().attr(name).map(str::to_owned)).flatten()
    }

    /// Where `<meta http-equiv=refresh>` leads.
    pub fn refresh(&self) -> Option<String> {
        let content = self.attribute("meta[http-equiv=refresh]", "content")?;
        content.split_once("url=").map(|(_, url)| url.trim_matches(['\'', '"']).to_owned())
    }

    /// Whether a form on this page has the field.
    pub fn has_field(&self, name: &str) -> bool {
        self.has(&format!("form [name={name:?}]"))
    }

    /// The form a button belongs to, with the page's values, `filled` over them, and the button's own.
    pub fn form_of(&self, button: &str, filled: &[(String, Option<String>)]) -> Option<Form> {
        self.look(&format!("button[id={button:?}]"), |button| {
            let form = button.ancestors().filter_map(ElementRef::wrap).find(|element| element.value().name() == "form");
            let form = form.expect("the button's form");
            let mut fields = fields_of(form, filled);
            if let Some(name) = button.value().attr("name") {
                fields.push((name.to_owned(), button.value().attr("value").unwrap_or_default().to_owned()));
            }
            Form {
                action: form.value().attr("action").unwrap_or_default().to_owned(),
                is_post: form.value().attr("method").is_some_and(|method| method.eq_ignore_ascii_case("post")),
                fields,
            }
        })
    }
}

pub fn text_of(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn fields_of(form: ElementRef<'_>, filled: &[(String, Option<String>)]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for input in form.select(&Selector::parse("input[name], select[name], textarea[name]").unwrap()) {
        let element = input.value();
        let name = element.attr("name").unwrap_or_default();
        let by_hand = filled.iter().rev().find(|(wanted, _)| *wanted == name || Some(wanted.as_str()) == element.id());
        let own = match (element.name(), element.attr("type").unwrap_or("text")) {
            ("input", "checkbox" | "radio") => {
                let value = element.attr("value").unwrap_or("on").to_owned();
                match by_hand {
                    Some((_, Some(chosen))) => (chosen.is_empty() || *chosen == value).then_some(value),
                    Some((_, None)) => None,
                    None => element.attr("checked").map(|_| value),
                }
            }
            ("input", _) => {
                let own = || Some(element.attr("value").unwrap_or_default().to_owned());
                by_hand.map_or_else(own, |(_, value)| value.clone())
            }
            ("select", _) => {
                let options = Selector::parse("option[selected], option").unwrap();
                let first = || input.select(&options).next()?.value().attr("value").map(str::to_owned);
                by_hand.map_or_else(first, |(_, value)| value.clone())
            }
            _ => by_hand.map_or_else(|| Some(input.text().collect()), |(_, value)| value.clone()),
        };
        fields.extend(own.map(|value| (name.to_owned(), value)));
    }
    fields
}
