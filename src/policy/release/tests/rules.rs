//! Reading and checking rules.

use super::*;

#[test]
fn the_rules_shipped_are_sound_and_speak_every_language() {
    let rules = ReleaseRules::builtin().unwrap();
    assert_eq!(rules.validate(), Vec::<String>::new());
    for purpose in rules.purposes() {
        let languages: Vec<&str> = purpose.text.keys().map(String::as_str).collect();
        assert_eq!(languages, ["en", "ja", "ko"], "{}", purpose.id);
    }
    for scope in ["openid", "profile", "email", "phone", "address", "offline_access", "stage", "membership", "age"] {
        assert!(rules.scopes().contains(scope), "{scope}");
    }
    assert!(rules.claims().contains("urn:comity:age_over_19"));
    assert_eq!(rules.release.freshness, Freshness::default());
}

#[test]
fn each_fault_is_told() {
    let head = "[[purposes]]\nid = 'p'\nbasis = 'contract'\ntext = { en = 'P' }\n";
    let row = "[[release.scope]]\nscope = 's'\npurpose = 'p'\n";
    let claim = |claim: &str| format!("{head}{row}[release.scope.claims]\n{claim}");
    let name = "{ source = 'profile.name' }";
    for (toml, fault) in [
        (format!("{head}{head}"), "stated twice"),
        (head.replace("'p'", "''"), "nameless"),
        (head.replace("'P'", "' '"), "no text"),
        (
            format!("{head}version = 0")
                .replace("text = { en = 'P' }\nversion = 0", "version = 0\ntext = { en = 'P' }"),
            "count from 1",
        ),
        (head.replace("text", "live_from = 5\nlive_until = 5\ntext"), "ends before"),
        (row.to_owned(), "unknown purpose"),
        (format!("{head}{}", row.replace("'s'", "'a b'")), "no scope value"),
        (format!("{head}{}", row.replace("'s'", "''")), "no scope value"),
        (format!("{head}{row}deliver = []"), "delivered nowhere"),
        (format!("{head}{row}remember = '0d'"), "for no time"),
        (format!("{head}{row}{row}"), "two general rows"),
        (format!("{head}{row}clients = ['a']\n{row}clients = ['b', 'a']"), "two rows for client a"),
        (claim(&format!("sub = {name}")), "no claim a rule can make"),
        (claim(&format!("acr = {name}")), "no claim a rule can make"),
        (claim(&format!("'' = {name}")), "no claim a rule can make"),
        (claim(&format!("'name#ko' = {name}")), "no claim a rule can make"),
        (claim("name = { source = 'profile.name', fields = ['tier'] }"), "only a loyalty source has fields"),
        (claim("name = { source = 'profile.name', min_proof = 'low' }"), "only a loyalty source has a proof"),
        (claim("m = { source = 'loyalty:*' }"), "needs fields"),
        (claim("m = { source = 'loyalty:*', transform = 'mask' }"), "needs fields"),
        (claim("m = { source = 'loyalty:*', transform = 'age_over(3)' }"), "does not suit"),
        (claim("name = { source = 'profile.name', transform = 'tier_only' }"), "does not suit"),
        (claim("e = { source = 'email', transform = 'age_over(3)' }"), "does not suit"),
        (claim("e = { source = 'account.stage', transform = 'mask' }"), "does not suit"),
        ("[release.freshness]\ntier = '0s'".to_owned(), "longer than nothing"),
    ] {
        let rules: ReleaseRules = toml::from_str(&toml).unwrap_or_else(|error| panic!("{toml}\n{error}"));
        let errors = rules.validate();
        assert!(errors.iter().any(|error| error.contains(fault)), "{fault}: {errors:?}\n{toml}");
    }
    let sound: ReleaseRules = toml::from_str(&claim(&format!("name = {name}"))).unwrap();
    assert_eq!(sound.validate(), Vec::<String>::new());
}

#[test]
fn typing_errors_are_refused_when_read() {
    for toml in [
        "[[release.scope]]\nscope = 's'",
        "[[release.scope]]\nscope = 's'\npurpose = 'p'\ndelivr = 'userinfo'",
        "[[release.scope]]\nscope = 's'\npurpose = 'p'\ndeliver = 'mail'",
        "[[release.scope]]\nscope = 's'\npurpose = 'p'\nremember = '1y'",
        "[[release.scope]]\nscope = 's'\npurpose = 'p'\n[release.scope.claims]\na = { source = 'nowhere' }",
        "[[release.scope]]\nscope = 's'\npurpose = 'p'\n[release.scope.claims]\na = { source = 'email', transform = 'x' }",
        "[[purposes]]\nid = 'p'\nbasis = 'mood'",
        "[release]\nfreshnes = 1",
    ] {
        assert!(toml::from_str::<ReleaseRules>(toml).is_err(), "{toml}");
    }
}

#[test]
fn the_two_tables_can_sit_in_a_larger_file() {
    #[derive(serde::Deserialize)]
    struct File {
        purposes: Vec<Purpose>,
        release: ReleaseTable,
    }
    let file: File = toml::from_str(DEFAULTS).unwrap();
    let rules = ReleaseRules::new(file.purposes, file.release);
    assert_eq!(rules.rows().len(), ReleaseRules::builtin().unwrap().rows().len());
}

#[test]
fn rows_of_ones_own_replace_in_place() {
    let base = ReleaseRules::builtin().unwrap();
    let order = |rules: &ReleaseRules| -> Vec<String> { rules.rows().iter().map(|row| row.scope.clone()).collect() };
    let over = "[[release.scope]]\nscope = 'membership'\npurpose = 'account'\n\
        [[release.scope]]\nscope = 'membership'\npurpose = 'contact'\nclients = ['a']\n\
        [[purposes]]\nid = 'account'\nversion = 2\nbasis = 'consent'\ntext = { en = 'x' }";
    let rules = base.clone().overlaid(toml::from_str(over).unwrap());
    let mut expected = order(&base);
    expected.push("membership".to_owned());
    assert_eq!(order(&rules), expected);
    assert_eq!(rules.row("membership", &"b".into()).unwrap().purpose, "account");
    assert_eq!(rules.row("membership", &"a".into()).unwrap().purpose, "contact");
    assert_eq!((rules.purpose("account").unwrap().version, rules.purposes().len()), (2, base.purposes().len()));
}

#[test]
fn a_purpose_speaks_the_readers_language_or_the_next_best() {
    let rules = ReleaseRules::builtin().unwrap();
    let purpose = rules.purpose("sign_in").unwrap();
    assert_eq!(purpose.text(&"ko-KR".parse().unwrap()), purpose.text["ko"]);
    assert_eq!(purpose.text(&"fr".parse().unwrap()), purpose.text["en"]);
    let bare = Purpose { text: [("ko".to_owned(), "가".to_owned())].into(), ..purpose.clone() };
    assert_eq!(bare.text(&"fr".parse().unwrap()), "가");
}
