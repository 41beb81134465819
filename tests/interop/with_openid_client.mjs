import * as openid from 'openid-client'

import { answer, privateKey, refused, setting } from './browser.mjs'

const discover = (id, authentication) =>
  openid.discovery(new URL(setting.issuer), id, undefined, authentication, {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  })
const done = []

const forItself = async (name, id, authentication) => {
  const config = await discover(id, authentication)
  await openid.clientCredentialsGrant(config, { scope: 'catalogue:read' })
  done.push(`client_credentials ${name}`)
}
const { service } = setting
await forItself('basic', service.id, openid.ClientSecretBasic(service.secret))
await forItself('post', service.id, openid.ClientSecretPost(service.secret))
for (const signer of setting.signers)
  await forItself(signer.key.kty, signer.id, openid.PrivateKeyJwt(await privateKey(signer.key)))
await refused('invalid_scope', async () =>
  openid.clientCredentialsGrant(
    await discover(service.id, openid.ClientSecretBasic(service.secret)),
    { scope: 'no:scope' },
  ),
)

const config = await discover(setting.app.id, openid.ClientSecretPost(setting.app.secret))
const verifier = openid.randomPKCECodeVerifier()
const state = openid.randomState()
const url = openid.buildAuthorizationUrl(config, {
  redirect_uri: setting.app.redirect,
  scope: 'customers:read',
  state,
  code_challenge: await openid.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
const back = await answer(url)
const redeem = () =>
  openid.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state })
const first = await redeem()
done.push('authorization_code')

const second = await openid.refreshTokenGrant(config, first.refresh_token)
if (second.refresh_token === first.refresh_token) throw new Error('it was not replaced')
done.push('refresh_token')

const facts = await openid.tokenIntrospection(config, second.access_token)
if (!facts.active || facts.sub !== setting.customer) throw new Error('it tells something else')
done.push('introspection')

await openid.tokenRevocation(config, second.access_token)
if ((await openid.tokenIntrospection(config, second.access_token)).active)
  throw new Error('it lives on')
done.push('revocation')

await refused('invalid_grant', redeem)
await refused('invalid_grant', () => openid.refreshTokenGrant(config, second.refresh_token))
done.push('reuse')

console.log(JSON.stringify(done))
