// npm oidc-provider as the load harness measures it: the clients of benches/load/clients.rs, every record in memory,
// nobody ever asked for consent. Whoever comes with a login_hint is signed in as that.
//
// PORT says where it listens.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const port = Number(process.env.PORT);
const SECRET = 'secret-of-the-load-harness-0123456789';
const REDIRECT_URI = 'https://rp.example/callback';
const AUDIENCE = 'https://api.example';
const ALGS = ['RS256', 'ES256', 'EdDSA'];

// Records by model and id, those of a grant also by that. The adapter that comes with the package holds a thousand
// records and forgets the others: too few for as many people.
class Memory {
  static records = new Map();
  static uids = new Map();
  static grants = new Map();

  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload) {
    const key = this.key(id);
    Memory.records.set(key, payload);
    if (this.model === 'Session') Memory.uids.set(payload.uid, id);
    if (payload.grantId) {
      let keys = Memory.grants.get(payload.grantId);
      if (!keys) Memory.grants.set(payload.grantId, (keys = new Set()));
      keys.add(key);
    }
  }

  async find(id) {
    return Memory.records.get(this.key(id));
  }

  async findByUid(uid) {
    return this.find(Memory.uids.get(uid));
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    const payload = await this.find(id);
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    const key = this.key(id);
    const payload = Memory.records.get(key);
    Memory.records.delete(key);
    if (payload?.grantId) Memory.grants.get(payload.grantId)?.delete(key);
  }

  async revokeByGrantId(grantId) {
    for (const key of Memory.grants.get(grantId) ?? []) Memory.records.delete(key);
    Memory.grants.delete(grantId);
  }
}

function jwk(alg) {
  const { privateKey } = {
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => generateKeyPairSync('ed25519'),
  }[alg]();
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg };
}

function clients() {
  const person = (id, alg, grants) => ({
    client_id: id,
    client_secret: SECRET,
    redirect_uris: [REDIRECT_URI],
    response_types: ['code'],
    grant_types: grants,
    id_token_signed_response_alg: alg,
  });
  const machine = (id) => ({
    client_id: id,
    client_secret: SECRET,
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    scope: 'orders.read',
  });
  const all = [machine('machine-opaque'), machine('api')];
  for (const alg of ALGS) {
    const name = alg.toLowerCase();
    all.push(person(`web-${name}`, alg, ['authorization_code']));
    all.push(person(`app-${name}`, alg, ['authorization_code', 'refresh_token']));
    all.push(machine(`machine-${name}`));
  }
  return all;
}

// A machine's token is for the resource server, and signed with the algorithm in the machine's name.
function resourceServer(client) {
  const alg = ALGS.find((each) => client.clientId === `machine-${each.toLowerCase()}`);
  const common = { scope: 'orders.read', audience: AUDIENCE, accessTokenTTL: 600 };
  if (!alg) return { ...common, accessTokenFormat: 'opaque' };
  return { ...common, accessTokenFormat: 'jwt', jwt: { sign: { alg } } };
}

async function grantOf(ctx) {
  const { client, session, provider } = ctx.oidc;
  const known = session.grantIdFor(client.clientId);
  if (known) return provider.Grant.find(known);
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope('openid profile email offline_access');
  await grant.save();
  return grant;
}

function person(id) {
  return {
    accountId: id,
    claims: async () => ({
      sub: id,
      name: `Person Number ${id}`,
      given_name: 'Person',
      family_name: `Number ${id}`,
      birthdate: '1990-01-31',
      zoneinfo: 'Asia/Seoul',
      locale: 'en',
      updated_at: 1760000000,
      email: `${id}@people.example`,
      email_verified: true,
    }),
  };
}

const provider = new Provider(`http://localhost:${port}`, {
  adapter: Memory,
  clients: clients(),
  jwks: { keys: ALGS.map(jwk) },
  cookies: { keys: ['a key of the load harness'] },
  scopes: ['openid', 'offline_access', 'orders.read'],
  claims: {
    openid: ['sub'],
    profile: ['name', 'given_name', 'family_name', 'birthdate', 'zoneinfo', 'locale', 'updated_at'],
    email: ['email', 'email_verified'],
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: async (ctx, client) => (client.clientId.startsWith('machine-') ? AUDIENCE : undefined),
      getResourceServerInfo: async (ctx, resource, client) => resourceServer(client),
    },
  },
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 3600, RefreshToken: 2592000, Session: 1209600, Grant: 1209600 },
  findAccount: async (ctx, id) => person(id),
  loadExistingGrant: grantOf,
  // offline_access is left out of requests without a consent page; here its place is taken by the client.
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: async (ctx, source) => !source.clientId.startsWith('app-'),
  rotateRefreshToken: true,
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
});

const answer = provider.callback();

createServer((request, response) => {
  if (!request.url.startsWith('/interaction/')) {
    answer(request, response);
    return;
  }
  provider
    .interactionDetails(request, response)
    .then(({ params }) =>
      provider.interactionFinished(request, response, { login: { accountId: params.login_hint } }),
    )
    .catch((error) => {
      response.statusCode = 500;
      response.end(`${error}\n`);
    });
}).listen(port, '127.0.0.1');
