// npm openid-client: discovery, code + PKCE, ID token, UserInfo, refresh, introspection, revocation, logout.
import assert from "node:assert/strict";
import * as client from "openid-client";
import { Browser } from "./browser.mjs";

const issuer = new URL(process.env.ISSUER ?? "http://localhost:8080");
const callback = "http://127.0.0.1:7000/callback";
const config = await client.discovery(issuer, "playground", "demo-playground-secret", client.ClientSecretBasic(), {
  execute: [client.allowInsecureRequests],
});

const verifier = client.randomPKCECodeVerifier();
const [state, nonce] = [client.randomState(), client.randomNonce()];
const browser = new Browser();
const arrived = await browser.signIn(
  client.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: "openid profile email offline_access",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    prompt: "consent",
    state,
    nonce,
  }).href,
  callback,
);
const tokens = await client.authorizationCodeGrant(config, arrived, {
  pkceCodeVerifier: verifier,
  expectedState: state,
  expectedNonce: nonce,
  idTokenExpected: true,
});
const { sub } = tokens.claims();
const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub);
assert.ok(userinfo.name, "a name is released");

const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
assert.equal(refreshed.claims().sub, sub);
assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, true);
await client.tokenRevocation(config, refreshed.access_token);
assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, false);

const bye = "http://127.0.0.1:7000/bye";
const logout = client.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: bye,
  state: "later",
});
assert.equal((await browser.open(logout.href, bye)).arrived.href, `${bye}?state=later`);
console.log("openid-client: ok");
