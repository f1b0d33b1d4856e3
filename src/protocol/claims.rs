//! The `claims` request parameter [OIDC Core §5.5].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ErrorCode, Refused};
use crate::model::json::parse_object;

const MAX_LENGTH: usize = 8 * 1024;
const MAX_CLAIMS: usize = 100;
const MAX_VALUES: usize = 50;

/// Single claims asked for, and where each is to be delivered. Names we do not know are kept: policy decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimsRequest {
    /// Claims wanted from the userinfo endpoint.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub userinfo: BTreeMap<String, ClaimRequest>,
    /// Claims wanted in the ID token.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub id_token: BTreeMap<String, ClaimRequest>,
}

/// How one claim is asked for [OIDC Core §5.5.1].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimRequest {
    /// Whether the client needs it for a smooth course of things.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
    /// The value it must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The values it may have, best first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
}

impl ClaimRequest {
    /// Whether a value satisfies the request; anything does when no value was named.
    pub fn accepts(&self, value: &Value) -> bool {
        self.value.as_ref().is_none_or(|wanted| wanted == value)
            && self.values.as_ref().is_none_or(|wanted| wanted.contains(value))
    }
}

impl ClaimsRequest {
    /// Reads the parameter; an absent one asks for nothing. Unknown members are passed over, members of the wrong type
    /// are errors.
    pub fn parse(text: Option<&str>) -> Result<Self, Refused> {
        let Some(text) = text else { return Ok(Self::default()) };
        Self::read(text)
            .ok_or_else(|| Refused::new(ErrorCode::InvalidRequest, "claims is not a well-formed claims request"))
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let members = parse_object(text.as_bytes())?;
        Some(Self { userinfo: section(&members, "userinfo")?, id_token: section(&members, "id_token")? })
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// Every name asked for, wherever it is to be delivered.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let only_in_id_token = self.id_token.keys().filter(|name| !self.userinfo.contains_key(*name));
        self.userinfo.keys().chain(only_in_id_token).map(String::as_str)
    }

    /// The request as JSON text; `None` when nothing is asked for.
    pub fn to_json(&self) -> Option<String> {
        if self.is_empty() { None } else { serde_json::to_string(self).ok() }
    }
}

fn section(members: &Map<String, Value>, name: &str) -> Option<BTreeMap<String, ClaimRequest>> {
    let claims = match members.get(name) {
        None | Some(Value::Null) => return Some(BTreeMap::new()),
        Some(Value::Object(claims)) if claims.len() <= MAX_CLAIMS => claims,
        Some(_) => return None,
    };
    claims.iter().map(|(name, value)| Some((name.clone(), claim(value)?))).collect()
}

fn claim(value: &Value) -> Option<ClaimRequest> {
    let members = match value {
        Value::Null => return Some(ClaimRequest::default()),
        Value::Object(members) => members,
        _ => return None,
    };
    let essential = match members.get("essential") {
        None => false,
        Some(Value::Bool(essential)) => *essential,
        Some(_) => return None,
    };
    let values = match members.get("values") {
        None => None,
        Some(Value::Array(values)) if values.len() <= MAX_VALUES => Some(values.clone()),
        Some(_) => return None,
    };
    Some(ClaimRequest { essential, value: members.get("value").cloned(), values })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_the_example_of_the_specification() {
        let text = r#"{"userinfo":{"given_name":{"essential":true},"nickname":null,
            "email":{"essential":true},"http://example.info/claims/groups":null},
            "id_token":{"auth_time":{"essential":true},
            "acr":{"values":["urn:mace:incommon:iap:silver"]},"nickname":{"unknown":1}},"other":[1]}"#;
        let request = ClaimsRequest::parse(Some(text)).unwrap();
        assert!(request.userinfo["given_name"].essential && !request.userinfo["nickname"].essential);
        assert!(request.userinfo.contains_key("http://example.info/claims/groups"));
        assert!(request.id_token["acr"].accepts(&json!("urn:mace:incommon:iap:silver")));
        assert!(!request.id_token["acr"].accepts(&json!("0")));
        assert_eq!(request.names().count(), 6);
        assert_eq!(ClaimsRequest::parse(request.to_json().as_deref()).unwrap(), request);
    }

    #[test]
    fn nothing_asked_is_nothing_stored() {
        assert!(ClaimsRequest::parse(None).unwrap().is_empty());
        for text in ["{}", r#"{"userinfo":null}"#, r#"{"id_token":{}}"#] {
            assert_eq!(ClaimsRequest::parse(Some(text)).unwrap().to_json(), None, "{text}");
        }
    }

    #[test]
    fn malformed_requests_are_refused() {
        let wide = format!(
            r#"{{"userinfo":{{{}}}}}"#,
            (0..101).map(|i| format!(r#""c{i}":null"#)).collect::<Vec<_>>().join(",")
        );
        let long = format!(r#"{{"userinfo":{{"{}":null}}}}"#, "x".repeat(MAX_LENGTH));
        let deep = format!(r#"{{"userinfo":{{"a":{{"value":{}{}}}}}}}"#, "[".repeat(40), "]".repeat(40));
        for text in [
            "",
            "null",
            "[]",
            "{",
            r#"{"userinfo":[]}"#,
            r#"{"userinfo":{"a":true}}"#,
            r#"{"userinfo":{"a":{"essential":"true"}}}"#,
            r#"{"id_token":{"a":{"values":"x"}}}"#,
            r#"{"userinfo":{"a":null,"a":{"essential":true}}}"#,
            r#"{"userinfo":{}} x"#,
            &wide,
            &long,
            &deep,
        ] {
            let error = ClaimsRequest::parse(Some(text)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidRequest, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_is_total(text in r#"[\{\}\[\]",:a-c0-1 ]{0,60}"#) {
            let _ = ClaimsRequest::parse(Some(&text));
        }

        #[test]
        fn what_is_stored_reads_back(
            names in prop::collection::btree_map("[a-z#:]{1,8}", (any::<bool>(), prop::option::of("[a-z]{0,3}")), 0..6)
        ) {
            let section: BTreeMap<_, _> = names.into_iter().map(|(name, (essential, value))| {
                (name, ClaimRequest { essential, value: value.map(Value::from), values: None })
            }).collect();
            let request = ClaimsRequest { id_token: section.clone(), userinfo: section };
            prop_assert_eq!(ClaimsRequest::parse(request.to_json().as_deref()).unwrap(), request);
        }
    }
}
