//! The relying parties of the load, the same for every provider that is measured.

use comity::jose::Alg;
use std::fmt::Write as _;

/// The algorithms that are compared.
pub const ALGS: [Alg; 3] = [Alg::RS256, Alg::ES256, Alg::EdDSA];
/// The secret of all clients.
pub const SECRET: &str = "secret-of-the-load-harness-0123456789";
/// Where all answers go. Nobody is there.
pub const REDIRECT_URI: &str = "https://rp.example/callback";
/// The resource server of all access tokens.
pub const AUDIENCE: &str = "https://api.example";
/// The client that asks what tokens are worth.
pub const RESOURCE_SERVER: &str = "api";
/// The machine whose access tokens are opaque.
pub const OPAQUE_MACHINE: &str = "machine-opaque";
/// What people are asked for.
pub const SCOPE: &str = "openid profile email";

/// The website whose ID tokens are signed with `alg`.
pub fn website(alg: Alg) -> String {
    format!("web-{}", alg.to_string().to_lowercase())
}

/// The application that stays signed in, with the same.
pub fn application(alg: Alg) -> String {
    format!("app-{}", alg.to_string().to_lowercase())
}

/// The machine whose access tokens are JWTs of `alg`.
pub fn machine(alg: Alg) -> String {
    format!("machine-{}", alg.to_string().to_lowercase())
}

/// The clients of people: of each algorithm one that signs in, and one that comes back.
pub fn of_people() -> Vec<String> {
    ALGS.iter().map(|alg| website(*alg)).chain(ALGS.iter().map(|alg| application(*alg))).collect()
}

/// All of them, as Comity's clients file.
pub fn as_toml() -> String {
    let mut text = String::new();
    for alg in ALGS {
        for (id, grants, scopes) in [
            (website(alg), r#""authorization_code""#, r#""openid", "profile", "email""#),
            (
                application(alg),
                r#""authorization_code", "refresh_token""#,
                r#""openid", "profile", "email", "offline_access""#,
            ),
        ] {
            let _ = write!(
                text,
                r#"[[client]]
client_id = "{id}"
client_name = "{id}"
client_secret = "{SECRET}"
legal_entity = "Relying Party Ltd."
relationship = "third_party"
redirect_uris = ["{REDIRECT_URI}"]
grant_types = [{grants}]
id_token_signed_response_alg = "{alg}"
access_token_format = "opaque"
audience = "{AUDIENCE}"
rotate_refresh_tokens = true
[client.release]
scopes = [{scopes}]
"#
            );
        }
        text.push_str(&a_machine(&machine(alg), &format!("access_token_signed_response_alg = \"{alg}\"\n")));
    }
    text.push_str(&a_machine(OPAQUE_MACHINE, "access_token_format = \"opaque\"\n"));
    text.push_str(&a_machine(RESOURCE_SERVER, ""));
    text
}

fn a_machine(id: &str, more: &str) -> String {
    format!(
        r#"[[client]]
client_id = "{id}"
client_name = "{id}"
client_secret = "{SECRET}"
grant_types = ["client_credentials"]
audience = "{AUDIENCE}"
{more}[client.release]
scopes = ["orders.read"]
"#
    )
}
