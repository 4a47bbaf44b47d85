// Keeps the pages for when there is no network: what is asked for comes from the network if it answers, else as it was the last time.
const KEPT = 'nnc-pages';

addEventListener('install', () => self.skipWaiting());
addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== location.origin) return;
  event.respondWith(answer(request));
});

async function answer(request) {
  const kept = await caches.open(KEPT);
  try {
    const response = await fetch(request);
    if (response.ok) await kept.put(request, response.clone());
    return response;
  } catch {
    const before = await kept.match(request, { ignoreSearch: true });
    return (
      before ??
      new Response('There is no network, and this page was not opened before. Come back when you are online.', {
        status: 503,
        headers: { 'content-type': 'text/plain' },
      })
    );
  }
}
