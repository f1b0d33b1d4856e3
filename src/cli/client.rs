//! `comity client`.

use std::collections::BTreeSet;

use clap::Subcommand;
use serde_json::json;

use super::{Failure, open, say};
use crate::model::client::{AuthMethod, Client, SecretHash};
use crate::model::digest::sha256_b64;
use crate::model::{ClientId, Clock, Random, Secret};
use crate::protocol::client_metadata;
use crate::settings::Settings;
use crate::store::RegisteredClient;

/// Relying parties.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Register a client and print its credentials; the secret is shown this once.
    Create {
        /// The name people see.
        #[arg(long)]
        name: String,
        /// Where responses may go; repeat for several.
        #[arg(long = "redirect-uri", required = true, value_name = "URI")]
        redirect_uris: Vec<String>,
        /// Where logout may return to; repeat for several.
        #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
        post_logout_redirect_uris: Vec<String>,
        /// A scope the client may ask for; repeat for several.
        #[arg(long = "scope", default_values_t = ["openid", "profile", "email"].map(str::to_owned))]
        scopes: Vec<String>,
        /// A client without a secret: a mobile or single-page application.
        #[arg(long)]
        public: bool,
        /// Give refresh tokens to requests with the scope `offline_access`.
        #[arg(long)]
        offline: bool,
        /// Another company's client: consent is never skipped.
        #[arg(long)]
        third_party: bool,
        /// A `sub` of its own that no other client can match.
        #[arg(long)]
        pairwise: bool,
        /// The identifier; made up when absent.
        #[arg(long)]
        id: Option<String>,
    },
    /// List all clients: identifier, name, authentication.
    List,
    /// Show a client's metadata as JSON.
    Show {
        /// Its identifier.
        id: String,
    },
    /// Give a client a new secret, shown this once; the old one stays valid for a while.
    RotateSecret {
        /// Its identifier.
        id: String,
        /// Hours the old secret stays valid.
        #[arg(long, default_value_t = 24)]
        keep_old_hours: u32,
    },
}

pub(super) async fn run(command: Command, settings: &Settings) -> Result<(), Failure> {
    let store = open(settings).await?;
    let clock = Clock::system();
    let now = clock.now();
    match command {
        Command::List => {
            for RegisteredClient { client, .. } in store.clients().await? {
                let state = if client.disabled { "\tdisabled" } else { "" };
                let method = client.token_endpoint_auth_method.as_str();
                say(format_args!("{}\t{}\t{method}{state}", client.id, client.client_name))?;
            }
        }
        Command::Show { id } => {
            let found = store.client(&ClientId::from(id.as_str())).await?.ok_or_else(|| unknown(&id))?;
            say(serde_json::to_string_pretty(&*found.client)?)?;
        }
        Command::RotateSecret { id, keep_old_hours } => {
            let secret = Random::new().token();
            let until = now + i64::from(keep_old_hours) * 3600;
            let hash = sha256_b64(secret.expose());
            if !store.rotate_client_secret(&ClientId::from(id.as_str()), &hash, until, now).await? {
                return Err(unknown(&id));
            }
            print_credentials(&id, Some(&secret))?;
        }
        create @ Command::Create { .. } => {
            let (client, secret) = new_client(create, &Random::new())?;
            let problems = client_metadata::problems(&client);
            if !problems.is_empty() {
                return Err(problems.join("\n").into());
            }
            if store.client(&client.id).await?.is_some() {
                return Err(format!("there is a client {:?} already", client.id.as_str()).into());
            }
            let hash =
                secret.as_ref().map(|secret| SecretHash { sha256: sha256_b64(secret.expose()), expires_at: None });
            store.save_client(&client, hash.as_ref(), now).await?;
            print_credentials(client.id.as_str(), secret.as_ref())?;
        }
    }
    Ok(())
}

fn new_client(create: Command, random: &Random) -> Result<(Client, Option<Secret<String>>), Failure> {
    let Command::Create {
        name,
        redirect_uris,
        post_logout_redirect_uris,
        scopes,
        public,
        offline,
        third_party,
        pairwise,
        id,
    } = create
    else {
        return Err("not a new client".into());
    };
    let mut grants = vec!["authorization_code"];
    let mut scopes: BTreeSet<String> = scopes.into_iter().collect();
    scopes.insert("openid".to_owned());
    if offline {
        grants.push("refresh_token");
        scopes.insert("offline_access".to_owned());
    }
    let method = if public { AuthMethod::None } else { AuthMethod::ClientSecretBasic };
    let client = serde_json::from_value(json!({
        "client_id": id.unwrap_or_else(|| format!("c_{}", random.handle())),
        "client_name": name,
        "redirect_uris": redirect_uris,
        "post_logout_redirect_uris": post_logout_redirect_uris,
        "token_endpoint_auth_method": method,
        "grant_types": grants,
        "relationship": if third_party { "third_party" } else { "same_controller" },
        "subject_type": if pairwise { "pairwise" } else { "public" },
        "release": { "scopes": scopes },
    }))?;
    Ok((client, (!public).then(|| random.token())))
}

fn print_credentials(id: &str, secret: Option<&Secret<String>>) -> Result<(), Failure> {
    let mut credentials = json!({ "client_id": id });
    if let (Some(secret), Some(members)) = (secret, credentials.as_object_mut()) {
        members.insert("client_secret".to_owned(), secret.expose().clone().into());
    }
    say(serde_json::to_string_pretty(&credentials)?)
}

fn unknown(id: &str) -> Failure {
    format!("there is no client {id:?}").into()
}
