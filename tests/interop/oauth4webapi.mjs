// npm oauth4webapi: the same by hand, with every check the library has.
import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import { Browser } from "./browser.mjs";

const issuer = new URL(process.env.ISSUER ?? "http://localhost:8080");
const callback = "http://127.0.0.1:7001/callback";
const insecure = { [oauth.allowInsecureRequests]: true };
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
const client = { client_id: "playground-native" };
const auth = oauth.None();

const verifier = oauth.generateRandomCodeVerifier();
const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
const url = new URL(as.authorization_endpoint);
for (const [name, value] of Object.entries({
  client_id: client.client_id,
  redirect_uri: callback,
  response_type: "code",
  scope: "openid email offline_access",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
})) {
  url.searchParams.set(name, value);
}
const browser = new Browser();
const params = oauth.validateAuthResponse(as, client, await browser.signIn(url.href, callback), state);
const answer = await oauth.authorizationCodeGrantRequest(as, client, auth, params, callback, verifier, insecure);
const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
  expectedNonce: nonce,
  requireIdToken: true,
});
await oauth.validateApplicationLevelSignature?.(as, answer, insecure);
const { sub } = oauth.getValidatedIdTokenClaims(tokens);

const userinfo = await oauth.processUserInfoResponse(
  as,
  client,
  sub,
  await oauth.userInfoRequest(as, client, tokens.access_token, insecure),
);
assert.equal(typeof userinfo.email_verified, "boolean");

const refresh = (token) => oauth.refreshTokenGrantRequest(as, client, auth, token, insecure);
const refreshed = await oauth.processRefreshTokenResponse(as, client, await refresh(tokens.refresh_token));
assert.notEqual(refreshed.refresh_token, tokens.refresh_token, "public clients rotate");
const again = await oauth.processRefreshTokenResponse(as, client, await refresh(refreshed.refresh_token));
await assert.rejects(async () =>
  oauth.processRefreshTokenResponse(as, client, await refresh(tokens.refresh_token)), "an old token is spent");
await assert.rejects(async () =>
  oauth.processRefreshTokenResponse(as, client, await refresh(again.refresh_token)), "its reuse ends the family");
console.log("oauth4webapi: ok");
