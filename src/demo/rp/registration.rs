//! What a relying party knows of itself: the same file that registers it at the OpenID Provider.

use serde::Deserialize;

use crate::model::Secret;

/// A relying party's own side of its registration.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::demo) struct Registration {
    pub(super) client_id: String,
    pub(super) client_name: String,
    /// Absent for a public client.
    pub(super) client_secret: Option<Secret<String>>,
    pub(super) token_endpoint_auth_method: String,
    pub(super) redirect_uris: Vec<String>,
    #[serde(default)]
    pub(super) post_logout_redirect_uris: Vec<String>,
    release: Release,
}

#[derive(Clone, Debug, Deserialize)]
struct Release {
    scopes: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    client: Vec<Registration>,
}

impl Registration {
    /// All relying parties of a clients file.
    ///
    /// # Errors
    /// When it is no such file.
    pub(in crate::demo) fn all(text: &str) -> Result<Vec<Self>, toml::de::Error> {
        toml::from_str::<File>(text).map(|file| file.client)
    }

    /// Whether this is the row of that name.
    pub(in crate::demo) fn is(&self, client_id: &str) -> bool {
        self.client_id == client_id
    }

    /// Everything it may ask for, `openid` left out.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.release.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid")
    }

    /// Where answers come back to.
    pub(super) fn redirect_uri(&self) -> &str {
        self.redirect_uris.first().map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_has_its_three_relying_parties() {
        let all = Registration::all(include_str!("../../../config/demo-clients.toml")).unwrap();
        for name in ["shop", "go", "hotel"] {
            let own = all.iter().find(|one| one.is(name)).unwrap();
            assert_eq!(own.redirect_uri(), format!("http://{name}.localhost:8080/callback"));
            assert_eq!(own.client_secret.is_none(), own.token_endpoint_auth_method == "none");
        }
        // What production refuses to start with.
        let mut secrets = all.iter().filter_map(|one| one.client_secret.as_ref());
        assert!(secrets.all(|secret| secret.expose().starts_with("demo-")));
    }
}
