//! What relying parties read first [OIDC Discovery §3–4, RFC 8414 §2–3].

use serde_json::{Value, json};

use crate::support::{Request, World};

stories!(
    the_document_is_where_and_what_it_should_be,
    every_endpoint_it_names_is_there,
    it_says_what_is_not_supported,
    it_lists_what_this_deployment_signs_with("keys.algs = [\"RS256\"]"),
);

async fn document(world: &World) -> Value {
    world.send(Request::get("/.well-known/openid-configuration")).await.expect(200).json()
}

async fn the_document_is_where_and_what_it_should_be(world: World) {
    let reply = world.send(Request::get("/.well-known/openid-configuration")).await.expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    let document = reply.json();
    assert_eq!(document["issuer"], world.issuer());
    let oauth = world.send(Request::get("/.well-known/oauth-authorization-server")).await.expect(200).json();
    assert_eq!(oauth, document);
    for (name, value) in document.as_object().unwrap() {
        assert!(REGISTERED.contains(&name.as_str()), "{name} is not a registered name");
        let flat = value.is_string() || value.is_boolean();
        let list = value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string));
        assert!(flat || list, "{name}: {value}");
    }
    let lists = |name: &str, value: &str| document[name].as_array().unwrap().contains(&json!(value));
    assert_eq!(document["response_types_supported"], json!(["code"]));
    assert!(lists("scopes_supported", "openid") && lists("scopes_supported", "offline_access"));
    assert!(lists("grant_types_supported", "refresh_token"));
    assert!(lists("id_token_signing_alg_values_supported", "RS256"));
    assert!(lists("token_endpoint_auth_methods_supported", "private_key_jwt"));
    assert!(lists("claims_supported", "email_verified"));
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
}

async fn every_endpoint_it_names_is_there(world: World) {
    let document = document(&world).await;
    for (name, value) in document.as_object().unwrap() {
        if !(name.ends_with("_endpoint") || name == "jwks_uri") {
            continue;
        }
        let path = value.as_str().unwrap().strip_prefix(world.issuer()).expect("an address below the issuer");
        let get = world.send(Request::get(path)).await.status;
        let post = world.send(Request::post(path).form([])).await.status;
        assert!((get, post) != (404, 404) && get < 500 && post < 500, "{name}: GET {get}, POST {post}");
    }
}

async fn it_says_what_is_not_supported(world: World) {
    let document = document(&world).await;
    // Absent would mean true [OIDC Discovery §3].
    assert_eq!(document["request_uri_parameter_supported"], false);
    assert_eq!(document["request_parameter_supported"], false);
    for method in document["introspection_endpoint_auth_methods_supported"].as_array().unwrap() {
        assert_ne!(method, "none");
    }
    for alg in document["token_endpoint_auth_signing_alg_values_supported"].as_array().unwrap() {
        assert!(["RS256", "PS256", "ES256", "EdDSA"].contains(&alg.as_str().unwrap()));
    }
}

async fn it_lists_what_this_deployment_signs_with(world: World) {
    assert_eq!(document(&world).await["id_token_signing_alg_values_supported"], json!(["RS256"]));
}

/// Names of the IANA registry "OAuth Authorization Server Metadata" that may appear here.
const REGISTERED: &[&str] = &[
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "registration_endpoint",
    "scopes_supported",
    "response_types_supported",
    "response_modes_supported",
    "grant_types_supported",
    "acr_values_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "userinfo_signing_alg_values_supported",
    "request_object_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "display_values_supported",
    "claim_types_supported",
    "claims_supported",
    "claims_locales_supported",
    "ui_locales_supported",
    "claims_parameter_supported",
    "request_parameter_supported",
    "request_uri_parameter_supported",
    "require_request_uri_registration",
    "op_policy_uri",
    "op_tos_uri",
    "service_documentation",
    "revocation_endpoint",
    "revocation_endpoint_auth_methods_supported",
    "revocation_endpoint_auth_signing_alg_values_supported",
    "introspection_endpoint",
    "introspection_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_signing_alg_values_supported",
    "code_challenge_methods_supported",
    "authorization_response_iss_parameter_supported",
    "end_session_endpoint",
    "prompt_values_supported",
    "check_session_iframe",
    "frontchannel_logout_supported",
    "frontchannel_logout_session_supported",
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
];
