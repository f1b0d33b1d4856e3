//! Every page, in every language, with ordinary and with hostile content.

mod samples;

use std::collections::{HashMap, HashSet};

use scraper::{ElementRef, Html, Selector};

use super::{Block, Document, Template, assets};
use crate::i18n::Texts;
use samples::{Values, page, render_all};

fn each_page(mut check: impl FnMut(&str, &str, &Html)) {
    let texts = Texts::builtin().unwrap();
    for locale in texts.locales() {
        for (kind, values) in [("ordinary", Values::ordinary()), ("nasty", Values::nasty())] {
            for (name, html) in render_all(&page(&texts, locale), &values) {
                let parsed = Html::parse_document(&html);
                check(&format!("{name} ({locale}, {kind})"), &html, &parsed);
            }
        }
    }
}

fn select<'a>(html: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    html.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().trim().to_owned()
}

#[test]
fn pages_are_well_formed_and_small() {
    each_page(|name, html, parsed| {
        assert!(html.starts_with("<!doctype html>"), "{name}");
        assert!(html.len() < 30 * 1024, "{name}: {} bytes", html.len());
        // The parser closes and moves what is left open or misplaced; counting tags shows whether it had to.
        for tag in ["main", "form", "section", "ul", "li", "dl", "dt", "dd", "p", "div", "span", "button", "fieldset"] {
            let opened = html.matches(&format!("<{tag} ")).count() + html.matches(&format!("<{tag}>")).count();
            assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{name}: <{tag}>");
            assert_eq!(opened, select(parsed, tag).len(), "{name}: <{tag}> misplaced");
        }
        for only in ["html[lang][dir]", "title", "h1", "main#main", "meta[name=viewport]", "meta[name=robots]"] {
            assert_eq!(select(parsed, only).len(), 1, "{name}: {only}");
        }
        assert!(!text(select(parsed, "h1")[0]).is_empty(), "{name}");
    });
}

#[test]
fn nothing_inserted_becomes_markup_and_nothing_is_inline() {
    each_page(|name, html, parsed| {
        assert!(select(parsed, "style, [style], img[onerror], svg, b, [onload]").is_empty(), "{name}");
        for script in select(parsed, "script") {
            assert!(script.value().attr("src").is_some() && script.value().attr("nonce").is_some(), "{name}");
            assert_eq!(text(script), "", "{name}");
        }
        let inline = parsed.tree.values().filter_map(|node| node.as_element()).flat_map(scraper::node::Element::attrs);
        for (attribute, value) in inline {
            assert!(!attribute.starts_with("on"), "{name}: {attribute}");
            assert!(!value.starts_with("javascript:"), "{name}: {value}");
        }
        assert!(!html.contains("<script>alert"), "{name}");
    });
}

#[test]
fn every_key_has_a_text() {
    let texts = Texts::builtin().unwrap();
    let tables: HashSet<String> = toml::from_str::<toml::Table>(include_str!("../../../../config/locales/en.toml"))
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let is_key = |word: &str| {
        word.split_once('.').is_some_and(|(table, rest)| {
            tables.contains(table) && rest.starts_with(|letter: char| letter.is_ascii_lowercase())
        })
    };
    each_page(|name, _, parsed| {
        for node in parsed.tree.values() {
            let words = node.as_text().map(|text| text.split_whitespace()).into_iter().flatten();
            let labels = node.as_element().and_then(|element| element.attr("aria-label")).into_iter();
            for word in words.chain(labels) {
                assert!(!is_key(word), "{name}: {word}");
            }
        }
    });
    assert!(is_key("sign_in.title") && !is_key(texts.get(&"en".parse().unwrap(), "sign_in.title")));
}

#[test]
fn ids_are_unique_and_references_lead_somewhere() {
    each_page(|name, _, parsed| {
        let mut ids = HashSet::new();
        for element in select(parsed, "[id]") {
            let id = element.value().attr("id").unwrap();
            assert!(!id.is_empty() && !id.contains(char::is_whitespace), "{name}: {id:?}");
            assert!(ids.insert(id), "{name}: {id} twice");
        }
        for attribute in ["aria-describedby", "aria-labelledby", "for"] {
            for element in select(parsed, &format!("[{attribute}]")) {
                for id in element.value().attr(attribute).unwrap().split_whitespace() {
                    assert!(ids.contains(id), "{name}: {attribute} to {id}");
                }
            }
        }
    });
}

#[test]
fn every_field_has_a_label_and_every_button_a_name_and_an_id() {
    each_page(|name, _, parsed| {
        for input in select(parsed, "input:not([type=hidden]):not(.hide)") {
            let id = input.value().attr("id").unwrap_or_default();
            let labels = select(parsed, "label");
            let label = labels.into_iter().find(|label| label.value().attr("for") == Some(id));
            assert!(label.is_some_and(|label| !text(label).is_empty()), "{name}: {id}");
            assert!(input.value().attr("name").is_some(), "{name}: {id}");
            let kind = input.value().attr("type");
            assert!(kind != Some("checkbox") || input.value().attr("checked").is_none(), "{name}: {id} ticked by us");
        }
        for button in select(parsed, "button, .btn, summary") {
            assert!(!text(button).is_empty(), "{name}");
            assert!(button.value().name() == "summary" || button.value().attr("id").is_some(), "{name}");
        }
    });
}

#[test]
fn every_form_posts_with_its_tokens_and_no_name_twice() {
    each_page(|name, _, parsed| {
        for form in select(parsed, "form") {
            assert_eq!(form.value().attr("method"), Some("post"), "{name}");
            if form.value().attr("id") == Some("response") {
                assert_eq!(form.value().attr("action"), Some("https://shop.example/cb?x=1&y=2"));
                assert!(form.select(&Selector::parse("[name=csrf], [name=txn]").unwrap()).next().is_none());
                continue;
            }
            assert_eq!(form.value().attr("action"), Some("/signin"), "{name}");
            for (field, value) in [("csrf", "Y3NyZi10b2tlbg"), ("txn", "dHhuLWhhbmRsZQ")] {
                let selector = Selector::parse(&format!("input[type=hidden][name={field}][value={value}]")).unwrap();
                assert_eq!(form.select(&selector).count(), 1, "{name}: {field}");
            }
            let mut names = HashSet::new();
            for input in form.select(&Selector::parse("input:not([type=radio])").unwrap()) {
                assert!(names.insert(input.value().attr("name").unwrap()), "{name}");
            }
        }
    });
}

#[test]
fn answers_of_equal_weight_look_alike() {
    each_page(|name, _, parsed| {
        for pair in select(parsed, ".pair") {
            let classes: HashSet<_> =
                pair.select(&Selector::parse("button").unwrap()).map(|button| button.value().attr("class")).collect();
            assert_eq!(classes.len(), 1, "{name}");
        }
        assert!(select(parsed, ".primary").len() <= 1, "{name}: more than one primary button");
    });
}

#[test]
fn the_language_can_be_changed_without_losing_the_transaction() {
    each_page(|name, _, parsed| {
        for link in select(parsed, "nav.languages a") {
            let href = link.value().attr("href").unwrap();
            let lang = link.value().attr("lang").unwrap();
            assert_eq!(href, format!("/signin?txn=dHhuLWhhbmRsZQ&ui_locales={lang}"), "{name}");
        }
    });
}

#[test]
fn an_answer_with_its_problem_says_so_in_title_slot_and_field() {
    each_page(|name, html, parsed| {
        let slots = select(parsed, "#problem");
        let shown = slots.iter().any(|slot| !text(*slot).is_empty());
        let title = text(select(parsed, "title")[0]);
        let prefixed = ["Problem: ", "확인 필요: ", "ご確認ください: "].iter().any(|prefix| title.starts_with(prefix));
        assert_eq!(shown, prefixed, "{name}: {title}");
        assert!(!html.contains("aria-invalid") || shown, "{name}");
    });
}

#[test]
fn assets_are_within_budget_and_every_reference_is_one() {
    let css = assets::ASSETS.iter().find(|asset| asset.path == "css/comity.css").unwrap();
    assert!(css.content.len() <= 12 * 1024, "{} bytes", css.content.len());
    let script = assets::ASSETS.iter().find(|asset| asset.path == "js/submit.js").unwrap();
    assert!(script.content.len() <= 2 * 1024);
    each_page(|name, _, parsed| {
        for element in select(parsed, "link[href^='/static/'], script[src^='/static/'], img[src^='/static/']") {
            let address = element.value().attr("href").or(element.value().attr("src")).unwrap();
            let path = address.strip_prefix("/static/").unwrap().split('?').next().unwrap();
            assert!(assets::ASSETS.iter().any(|asset| asset.path == path), "{name}: {path}");
        }
        for element in select(parsed, "[src], link[href]") {
            let address = element.value().attr("src").or(element.value().attr("href")).unwrap();
            let frame = element.value().name() == "iframe";
            assert!(frame || address.starts_with("/static/"), "{name}: third party {address}");
        }
    });
}

/// Connections refer to their icon by name, wherever it is shown.
#[test]
fn the_icon_of_every_connector_is_served() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/static/connectors")).unwrap();
    for file in folder {
        let path = format!("connectors/{}", file.unwrap().file_name().display());
        assert!(assets::ASSETS.iter().any(|asset| asset.path == path), "{path}");
    }
}

/// Relative luminance and contrast [WCAG 2.2, definitions], of colours written `#rgb` or `#rrggbb`.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let wide = colour.len() == 4;
        let channel = |index: usize| {
            let digits =
                if wide { colour[index + 1..index + 2].repeat(2) } else { colour[index * 2 + 1..][..2].into() };
            let value = f64::from(u8::from_str_radix(&digits, 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn the_colours_of_both_schemes_have_enough_contrast() {
    assert!((contrast("#fff", "#000000") - 21.0).abs() < 0.01);
    let css = assets::ASSETS.iter().find(|asset| asset.path == "css/comity.css").unwrap().content;
    let tokens = |css: &'static str| {
        let lines = css.split("--").skip(1).filter_map(|line| line.split(';').next()?.split_once(": "));
        lines.filter(|(_, value)| value.starts_with('#')).collect::<HashMap<_, _>>()
    };
    let (light, rest) = css.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let dark = rest.split_once("@media").unwrap().0;
    for (scheme, tokens) in [("light", tokens(light)), ("dark", tokens(dark))] {
        let pairs = [
            ("ink", "bg"),
            ("ink", "card"),
            ("ink", "tint"),
            ("soft", "bg"),
            ("soft", "card"),
            ("soft", "tint"),
            ("accent", "bg"),
            ("accent", "card"),
            ("accent", "tint"),
            ("accent-hover", "tint"),
            ("accent-ink", "accent"),
            ("accent-ink", "accent-hover"),
            ("bad", "bad-tint"),
            ("good", "good-tint"),
            ("warn", "warn-tint"),
        ];
        for (front, back) in pairs {
            assert!(contrast(tokens[front], tokens[back]) >= 4.5, "{scheme}: {front} on {back}");
        }
        for back in ["bg", "card"] {
            assert!(contrast(tokens["edge"], tokens[back]) >= 3.0, "{scheme}: edge on {back}");
        }
    }
}

#[test]
fn a_document_keeps_every_word_in_order() {
    let texts = Texts::builtin().unwrap();
    let english = "en".parse().unwrap();
    let page = page(&texts, &english);
    let body = "# One\nfirst\nsecond\n\n- a\n- b\n\n- c\nafter\n# Two\n\n\nlast";
    let view = Document { page: &page, title: "T", version: 1, effective: None, body, back: None };
    let expected = [
        Block::Heading("One"),
        Block::Paragraph("first\nsecond"),
        Block::List(vec!["a", "b"]),
        Block::List(vec!["c"]),
        Block::Paragraph("after"),
        Block::Heading("Two"),
        Block::Paragraph("last"),
    ];
    assert_eq!(view.blocks(), expected);
    assert!(view.render().unwrap().contains("<h2>One</h2>"));
}
