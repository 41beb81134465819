import * as oauth from 'oauth4webapi'

import { answer, privateKey, refused, setting } from './browser.mjs'

const http = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(setting.issuer)
const server = await oauth
  .discoveryRequest(issuer, { algorithm: 'oauth2', ...http })
  .then((reply) => oauth.processDiscoveryResponse(issuer, reply))
const done = []

async function forItself(name, client, authentication) {
  const reply = await oauth.clientCredentialsGrantRequest(
    server, client, authentication, new URLSearchParams({ scope: 'catalogue:read' }), http,
  )
  const made = await oauth.processClientCredentialsResponse(server, client, reply)
  if (made.scope !== 'catalogue:read') throw new Error('another scope')
  done.push(`client_credentials ${name}`)
}

const service = { client_id: setting.service.id }
await forItself('basic', service, oauth.ClientSecretBasic(setting.service.secret))
await forItself('post', service, oauth.ClientSecretPost(setting.service.secret))
for (const signer of setting.signers) {
  const key = await privateKey(signer.key)
  await forItself(signer.key.kty, { client_id: signer.id }, oauth.PrivateKeyJwt(key))
}
await refused('invalid_client', () =>
  forItself('wrong', service, oauth.ClientSecretBasic('wrong')).catch((thrown) => {
    throw thrown.cause?.[0]?.parameters ?? thrown // what WWW-Authenticate says
  }),
)

const app = { client_id: setting.app.id }
const secret = oauth.ClientSecretBasic(setting.app.secret)
const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const url = new URL(server.authorization_endpoint)
for (const [name, value] of Object.entries({
  client_id: app.client_id,
  redirect_uri: setting.app.redirect,
  response_type: 'code',
  scope: 'customers:read',
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})) url.searchParams.set(name, value)

await refused('access_denied', async () =>
  oauth.validateAuthResponse(server, app, await answer(url, 'refuse'), state),
)
const told = oauth.validateAuthResponse(server, app, await answer(url), state)
const first = await oauth
  .authorizationCodeGrantRequest(server, app, secret, told, setting.app.redirect, verifier, http)
  .then((reply) => oauth.processAuthorizationCodeResponse(server, app, reply))
done.push('authorization_code')

const second = await oauth
  .refreshTokenGrantRequest(server, app, secret, first.refresh_token, http)
  .then((reply) => oauth.processRefreshTokenResponse(server, app, reply))
if (second.refresh_token === first.refresh_token) throw new Error('it was not replaced')
done.push('refresh_token')

const inspect = (token) =>
  oauth
    .introspectionRequest(server, app, secret, token, http)
    .then((reply) => oauth.processIntrospectionResponse(server, app, reply))
const facts = await inspect(second.access_token)
if (!facts.active || facts.sub !== setting.customer) throw new Error('it tells something else')
done.push('introspection')

await oauth
  .revocationRequest(server, app, secret, second.refresh_token, http)
  .then(oauth.processRevocationResponse)
if ((await inspect(second.access_token)).active) throw new Error('it lives on')
done.push('revocation')

console.log(JSON.stringify(done))
