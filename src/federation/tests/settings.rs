//! What operators write, rightly and wrongly.

use super::*;
use crate::model::Locale;

fn read(toml: &str) -> ConnectionSettings {
    toml::from_str(toml).unwrap()
}

#[derive(serde::Deserialize)]
struct File {
    connections: Vec<ConnectionSettings>,
}

#[test]
fn the_documented_example_holds() {
    let file: File = toml::from_str(include_str!("../../../config/connections.example.toml")).unwrap();
    for connection in &file.connections {
        // Secrets are not part of an example.
        let errors = connection.validate();
        assert!(errors.iter().all(|error| error.contains("credentials")), "{errors:?}");
    }
    let used: Vec<_> = file.connections.iter().filter_map(ConnectionSettings::preset).map(|preset| preset.id).collect();
    for preset in super::super::connectors::PRESETS {
        assert!(used.contains(&preset.id), "{} has no example", preset.id);
    }
}

#[test]
fn mistakes_are_named() {
    let google = "id = \"google\"\nclient_id = \"c\"\nclient_secret = \"s\"\n";
    assert_eq!(read(google).validate(), Vec::<String>::new());
    for (toml, complaint) in [
        ("id = \"gogle\"\nclient_id = \"c\"", "no preset"),
        ("id = \"Google\"\npreset = \"google\"\nclient_id = \"c\"\nclient_secret = \"s\"", "id must be"),
        ("id = \"google\"\nclient_id = \"c\"", "credentials"),
        ("id = \"line\"\nclient_id = \"c\"\nclient_secret = \"short\"", "credentials"),
        ("id = \"google\"\nclient_id = \"\"\nclient_secret = \"s\"", "client_id is empty"),
        ("id = \"apple\"\nclient_id = \"c\"\nteam_id = \"t\"\nkey_id = \"k\"", "credentials"),
        ("id = \"generic_oidc\"\nclient_id = \"c\"\nclient_secret = \"s\"", "issuer is missing"),
        ("id = \"generic_oauth2\"\nissuer = \"https://x.y\"\nclient_id = \"c\"\nclient_secret = \"s\"", "endpoints."),
        (&format!("{google}algs = [\"RS256\", \"HS256\"]"), "algs must be"),
        (&format!("{google}algs = [\"none\"]"), "algs must be"),
        (&format!("{google}algs = []"), "algs must be"),
        (&format!("{google}clock_skew_seconds = 3600"), "clock_skew_seconds"),
        (&format!("{google}tenant = \"contoso.com\""), "tenant must be"),
        (&format!("{google}origin = \"http://example.com\""), "addresses must be"),
        (&format!("{google}endpoints = {{ token = \"https://u:p@example.com/\" }}"), "addresses must be"),
        (&format!("{google}endpoints = {{ jwks = \"file:///etc/passwd\" }}"), "addresses must be"),
        (&format!("{google}parameters = {{ state = \"x\" }}"), "parameters.state"),
        (&format!("{google}claims = {{ roles = \"/roles\" }}"), "claims.roles cannot be mapped"),
        (&format!("{google}claims = {{ acr = \"/acr\" }}"), "claims.acr cannot be mapped"),
        (&format!("{google}claims = {{ name = \"name\" }}"), "JSON Pointer"),
        (&format!("{google}button = {{ background = \"red;}}\" }}"), "colours"),
    ] {
        let errors = read(toml).validate();
        assert!(errors.iter().any(|error| error.contains(complaint)), "{toml}\n{errors:?}");
    }
    assert!(toml::from_str::<ConnectionSettings>(&format!("{google}clientid = 1")).is_err());
}

#[tokio::test]
async fn two_connections_of_one_name_are_refused() {
    let one = read("id = \"google\"\nclient_id = \"c\"\nclient_secret = \"s\"\n");
    let clock = Clock::manual(NOW);
    let cache = Cache::memory(clock.clone());
    let outbound = Outbound::new(&OutboundSettings::default()).unwrap();
    let base = Url::parse("https://op.example/federation").unwrap();
    let wrong = Federation::new(vec![one.clone(), one], outbound, cache, Random::new(), clock, &base);
    assert!(wrong.unwrap_err().to_string().contains("twice"));
}

#[tokio::test]
async fn buttons_speak_the_readers_language() {
    let stage = Stage::of("kakao", "button = { labels = { en = \"Start with {name}\" } }").await;
    let button = |language: &str| stage.federation.list(&language.parse::<Locale>().unwrap()).remove(0);
    assert_eq!(button("ko").label, "카카오 로그인");
    assert_eq!(button("ko-KR").label, "카카오 로그인");
    assert_eq!(button("en").label, "Start with Kakao");
    assert_eq!(button("fr").label, "Start with Kakao");
    assert_eq!(button("ko").icon, "/static/connectors/kakao.svg");
    assert_eq!(button("ko").background, "#FEE500");
}

#[test]
fn secrets_do_not_show() {
    let settings = read("id = \"google\"\nclient_id = \"c\"\nclient_secret = \"hunter2\"\n");
    assert!(!format!("{settings:?}").contains("hunter2"));
}
