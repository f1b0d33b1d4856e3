"""PyPI authlib: code + PKCE + ID token validation, UserInfo, refresh and logout, with its requests client."""

import os
import subprocess
import sys

from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
ISSUER = os.environ.get("ISSUER", "http://localhost:8080")
CALLBACK = "http://127.0.0.1:7002/callback"

session = OAuth2Session(
    "playground",
    "demo-playground-secret",
    scope="openid profile email offline_access",
    redirect_uri=CALLBACK,
    code_challenge_method="S256",
    token_endpoint_auth_method="client_secret_basic",
)
metadata = session.request("GET", f"{ISSUER}/.well-known/openid-configuration", withhold_token=True).json()
verifier, nonce = generate_token(48), generate_token(32)
url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce)

# The person's part is the same browser the other libraries use.
arrived = subprocess.run(
    ["node", "sign-in.mjs", url, CALLBACK], check=True, capture_output=True, text=True
).stdout.strip()
token = session.fetch_token(
    metadata["token_endpoint"], authorization_response=arrived, code_verifier=verifier, state=state
)
keys = JsonWebKey.import_key_set(session.request("GET", metadata["jwks_uri"], withhold_token=True).json())
claims = jwt.decode(
    token["id_token"],
    keys,
    claims_cls=CodeIDToken,
    claims_options={"iss": {"values": [ISSUER]}, "aud": {"values": ["playground"]}},
    claims_params={"nonce": nonce, "client_id": "playground", "access_token": token["access_token"]},
)
claims.validate()
userinfo = session.get(metadata["userinfo_endpoint"]).json()
assert userinfo["sub"] == claims["sub"], userinfo
refreshed = session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
assert refreshed["access_token"] != token["access_token"]
print("authlib: ok", file=sys.stdout)
