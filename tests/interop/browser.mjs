// A browser in which the signed-in customer answers the page that asks.

export async function answer(url, word = 'allow') {
  const page = await fetch(url, { redirect: 'manual' })
  if (page.status !== 200) throw new Error(`the page answered ${page.status}`)
  const cookies = page.headers.getSetCookie().map((cookie) => cookie.split(';')[0])
  const token = /name="csrf_token" value="([^"]+)"/.exec(await page.text())[1]
  const reply = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: cookies.join('; ') },
    body: new URLSearchParams({ answer: word, csrf_token: token }),
  })
  if (reply.status !== 303) throw new Error(`the answer was answered ${reply.status}`)
  return new URL(reply.headers.get('location'))
}

// Fails unless `act` is refused with that OAuth error.
export async function refused(error, act) {
  try {
    await act()
  } catch (thrown) {
    if (thrown.error === error) return
    throw thrown
  }
  throw new Error(`it was not refused with ${error}`)
}

export const setting = JSON.parse(process.argv[2])

export const privateKey = (jwk) =>
  crypto.subtle.importKey(
    'jwk',
    jwk,
    jwk.kty === 'EC' ? { name: 'ECDSA', namedCurve: 'P-256' } : { name: 'Ed25519' },
    false,
    ['sign'],
  )
