//! The compact form [RFC 7515 §7.1]: writing it, and reading it before it is believed.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Alg, Error, Rejected, SigningKey};
use crate::model::digest::{b64, unb64};
use crate::model::json::parse_object;

/// The longest token accepted, in characters, unless a verifier says otherwise.
pub const MAX_TOKEN: usize = 8 * 1024;
/// The longest ID token accepted: providers put pictures' addresses and whole profiles in them.
pub const MAX_ID_TOKEN: usize = 16 * 1024;

/// Header parameters that would let the sender choose the key, or that change the meaning of the token
/// [RFC 7515 §4.1, RFC 8725 §3.10].
const FORBIDDEN_PARAMETERS: [&str; 6] = ["crit", "jwk", "jku", "x5u", "x5c", "zip"];

/// Kinds of tokens whose headers are written once for each key.
pub(super) const USUAL_TYPES: [&str; 2] = ["at+jwt", "JWT"];
/// Characters a token hardly ever needs more of: it grows in place.
const USUAL_LENGTH: usize = 1024;

/// A token that lacks nothing but its signature.
pub struct Unsigned {
    key: SigningKey,
    token: String,
}

/// Writes claims as a compact JWS to be signed, whose header names `alg`, `typ` and `kid`.
pub fn unsigned(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<Unsigned, Error> {
    let mut token = String::with_capacity(USUAL_LENGTH);
    match key.usual_header(typ) {
        Some(header) => token.push_str(header),
        None => token.push_str(&header(key.alg().as_str(), Some(key.kid()), typ)?),
    }
    push_payload(&mut token, claims)?;
    Ok(Unsigned { key: key.clone(), token })
}

impl Unsigned {
    /// Whether signing takes long enough to be in the way of others: RSA, twenty times the other algorithms.
    pub fn is_slow(&self) -> bool {
        matches!(self.key.alg(), Alg::RS256 | Alg::PS256)
    }

    /// Signs it.
    pub fn sign(mut self) -> Result<String, Error> {
        let signature = self.key.signature(self.token.as_bytes())?;
        self.token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut self.token);
        Ok(self.token)
    }
}

/// Signs claims into a compact JWS whose header names `alg`, `typ` and `kid`.
pub fn sign(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<String, Error> {
    unsigned(key, typ, claims)?.sign()
}

/// The first two parts of a token.
pub(super) fn signing_input(alg: &str, kid: Option<&str>, typ: &str, claims: &impl Serialize) -> Result<String, Error> {
    let mut input = header(alg, kid, typ)?;
    push_payload(&mut input, claims)?;
    Ok(input)
}

/// The first part of a token.
pub(super) fn header(alg: &str, kid: Option<&str>, typ: &str) -> Result<String, Error> {
    #[derive(Serialize)]
    struct Header<'a> {
        alg: &'a str,
        typ: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        kid: Option<&'a str>,
    }
    serde_json::to_vec(&Header { alg, typ, kid }).map(|header| b64(&header)).map_err(|_| Error::Claims)
}

fn push_payload(token: &mut String, claims: &impl Serialize) -> Result<(), Error> {
    let mut payload = Vec::with_capacity(USUAL_LENGTH / 2);
    serde_json::to_writer(&mut payload, claims).map_err(|_| Error::Claims)?;
    if payload.first() != Some(&b'{') {
        return Err(Error::Claims);
    }
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(payload, token);
    Ok(())
}

/// A well-formed token nobody has vouched for yet. Good for finding out whose keys to use, for nothing else.
#[derive(Debug)]
pub struct Unverified<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    payload: Vec<u8>,
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
}

impl<'a> Unverified<'a> {
    /// Takes a compact JWS of at most 8 KB apart.
    pub fn parse(token: &'a str) -> Result<Self, Rejected> {
        Self::parse_within(token, MAX_TOKEN)
    }

    /// Takes a compact JWS of at most `max` characters apart.
    pub fn parse_within(token: &'a str, max: usize) -> Result<Self, Rejected> {
        if token.len() > max {
            return Err(Rejected::TooLong);
        }
        // Counted first: splitting a flood of dots must cost nothing.
        if token.bytes().filter(|byte| *byte == b'.').count() != 2 {
            return Err(Rejected::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Rejected::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Rejected::Malformed)?;
        let decode = |part: &str| unb64(part).filter(|bytes| !bytes.is_empty()).ok_or(Rejected::Malformed);
        let header = parse_object(&decode(header)?).ok_or(Rejected::Malformed)?;
        if FORBIDDEN_PARAMETERS.iter().any(|name| header.contains_key(*name)) {
            return Err(Rejected::Header);
        }
        Ok(Self {
            signed,
            signature: unb64(signature).ok_or(Rejected::Malformed)?,
            payload: decode(payload)?,
            alg: text(&header, "alg")?.ok_or(Rejected::Malformed)?,
            kid: text(&header, "kid")?,
            typ: text(&header, "typ")?,
        })
    }

    /// Header parameter `alg`, as the sender wrote it.
    pub fn alg(&self) -> &str {
        &self.alg
    }

    /// Header parameter `kid`.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Header parameter `typ`.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// A claim of type string, as the sender wrote it. Decides whom to ask for keys; never whom to believe.
    pub fn peek(&self, claim: &str) -> Option<String> {
        parse_object(&self.payload)?.get(claim)?.as_str().map(str::to_owned)
    }

    pub(super) fn expected_alg(&self, algs: &[Alg]) -> Result<Alg, Rejected> {
        let alg = self.alg.parse().map_err(|_| Rejected::Alg)?;
        if algs.contains(&alg) { Ok(alg) } else { Err(Rejected::Alg) }
    }

    pub(super) fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }
}

fn text(header: &Map<String, Value>, name: &str) -> Result<Option<String>, Rejected> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= 256 => Ok(Some(text.clone())),
        Some(_) => Err(Rejected::Malformed),
    }
}
