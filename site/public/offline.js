// Keeps the pages for when there is no network: what is asked for comes from the network if it answers, else as it was the last time.
const KEPT = `nnc-pages-${new URL(location.href).searchParams.get('build')}`;

addEventListener('install', () => self.skipWaiting());
addEventListener('activate', (event) => {
  // Files of other builds have other names, and nobody asks for them any more.
  const clean = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith('nnc-pages-') && name !== KEPT).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  // A program that nnc play was given stays with its reader.
  if (request.method !== 'GET' || origin !== location.origin || pathname.endsWith('/given.json')) return;
  event.respondWith(answer(event));
});

async function answer(event) {
  const { request } = event;
  const kept = await caches.open(KEPT);
  let response;
  try {
    response = await fetch(request);
  } catch {
    const before = await kept.match(request, { ignoreSearch: true });
    const headers = { 'content-type': 'text/plain' };
    return (
      before ??
      new Response('There is no network, and this page was not opened before. Come back when you are online.', { status: 503, headers })
    );
  }
  // A full disk only means that the page is not kept.
  if (response.ok) event.waitUntil(kept.put(request, response.clone()).catch(() => undefined));
  return response;
}
