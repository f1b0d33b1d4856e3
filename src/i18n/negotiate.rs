//! Which language a person gets.

use super::Texts;
use crate::model::Locale;

/// Wishes beyond this many are ignored; nobody speaks more, and the header is the caller's to fill.
const MAX_WISHES: usize = 20;

impl Texts {
    /// The first language there are texts for among: `ui_locales` [OIDC Core §3.1.2.1] (or the language a person just
    /// chose on the page), the cookie of an earlier choice, the account's language, `Accept-Language`
    /// [RFC 9110 §12.5.4], the default.
    pub fn negotiate(
        &self,
        ui_locales: Option<&str>,
        cookie: Option<&str>,
        account: Option<&Locale>,
        accept_language: Option<&str>,
    ) -> Locale {
        let wished = ui_locales.into_iter().flat_map(|list| list.split_ascii_whitespace().take(MAX_WISHES));
        let known = cookie.into_iter().chain(account.map(Locale::as_str));
        let accepted = accept_language.map(accepted).unwrap_or_default();
        wished.chain(known).chain(accepted).find_map(|tag| self.lookup(tag)).unwrap_or(&self.default).clone()
    }

    /// The best language for one tag: the tag itself, shortened step by step [RFC 4647 §3.4], at last any other variety
    /// of the same language.
    fn lookup(&self, tag: &str) -> Option<&Locale> {
        let mut range = tag;
        loop {
            if let Some(found) = self.locales().find(|locale| locale.as_str().eq_ignore_ascii_case(range)) {
                return Some(found);
            }
            match range.rsplit_once('-') {
                Some((shorter, _)) => range = shorter,
                None => break,
            }
        }
        self.locales().find(|locale| locale.language().eq_ignore_ascii_case(range))
    }
}

/// The tags of an `Accept-Language` header, most wanted first.
fn accepted(header: &str) -> Vec<&str> {
    let mut wishes: Vec<(&str, u16)> = header
        .split(',')
        .take(MAX_WISHES)
        .filter_map(|item| {
            let mut parts = item.split(';');
            let tag = parts.next()?.trim();
            let quality = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Some(1000), quality)?;
            (quality > 0 && !tag.is_empty() && tag != "*").then_some((tag, quality))
        })
        .collect();
    wishes.sort_by_key(|(_, quality)| std::cmp::Reverse(*quality));
    wishes.into_iter().map(|(tag, _)| tag).collect()
}

/// A quality value in thousandths [RFC 9110 §12.4.2].
fn quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_wish_that_can_be_met_wins() {
        let texts = Texts::builtin().unwrap();
        let ja: Locale = "ja".parse().unwrap();
        let cases = [
            (Some("fr ko-KR en"), Some("ja"), Some(&ja), Some("ja"), "ko"),
            (Some("fr xx"), Some("ko"), Some(&ja), Some("en"), "ko"),
            (None, None, Some(&ja), Some("ko"), "ja"),
            (None, Some("../../etc"), None, Some("fr;q=0.9, ko-KR;q=0.8, en;q=0.7"), "ko"),
            (None, None, None, Some("en;q=0.2, JA-jp;q=0.801"), "ja"),
            (None, None, None, Some("ko;q=0, *;q=0.5"), "en"),
            (None, None, None, Some("ko;q=2, ja;q=nan, ;;;,"), "en"),
            (Some(""), Some(""), None, Some(""), "en"),
            (None, None, None, None, "en"),
        ];
        for (ui_locales, cookie, account, header, expected) in cases {
            let got = texts.negotiate(ui_locales, cookie, account, header);
            assert_eq!(got.as_str(), expected, "{ui_locales:?} {cookie:?} {account:?} {header:?}");
        }
    }

    #[test]
    fn the_default_is_the_deployments() {
        let texts = Texts::builtin().unwrap().with_default(&"ko".parse().unwrap());
        assert_eq!(texts.negotiate(Some("fr"), None, None, None).as_str(), "ko");
        assert_eq!(texts.with_default(&"fr".parse().unwrap()).default_locale().as_str(), "ko");
    }
}
