import { spawn } from 'node:child_process';
import { readFileSync, existsSync, readdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join, relative } from 'node:path';
import { fail } from '../../base/errors.ts';
import { beside, readUserFile } from '../files.ts';
import { SITE } from '../package.ts';
import { openScript } from '../program.ts';
import { note, print } from '../terminal.ts';

export interface PlayFlags {
  readonly port?: number;
  /** False with `--no-open`. */
  readonly open: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/** Serves the site on this machine alone; with a program, the playground begins with it and its data. */
export async function play(path: string | undefined, flags: PlayFlags): Promise<void> {
  if (!existsSync(join(SITE, 'index.html'))) fail('NN502', 'the site is not built', { help: 'npm run site' });
  const given = path === undefined ? undefined : await programAndData(path);
  const server = siteServer(given);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (e: NodeJS.ErrnoException) =>
      reject(e.code === 'EADDRINUSE' ? new Error(`port ${flags.port ?? 0} is taken: give another one with --port`) : e),
    );
    server.listen(flags.port ?? 0, '127.0.0.1', resolve);
  }).catch((e: unknown) => fail('NN501', (e as Error).message));
  const { port } = server.address() as AddressInfo;
  const address = `http://127.0.0.1:${port}/${given ? 'playground/?file' : ''}`;
  print(address);
  note('Ctrl-C ends it');
  if (flags.open) openBrowser(address);
  await new Promise<void>((resolve) => {
    const end = (): void => {
      server.close(() => resolve());
      server.closeAllConnections();
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  });
}

/** The program's text and its file of examples, as the playground takes them. */
async function programAndData(path: string): Promise<string> {
  const { source, model } = await openScript(path);
  const file = model?.data?.path;
  if (file === undefined) return JSON.stringify({ text: source.text });
  const bytes = await readUserFile(beside(path, file), 'NN301', model?.data?.span);
  return JSON.stringify({ text: source.text, data: { name: basename(file), base64: Buffer.from(bytes).toString('base64') } });
}

/** Answers with the site's own files and the given program, and only to pages that came from here. */
export function siteServer(given: string | undefined): Server {
  const files = new Map(filesOf(SITE).map((file) => [`/${relative(SITE, file).replaceAll('\\', '/')}`, file]));
  return createServer((request, response) => {
    const problem = refusal(request);
    if (problem) return answer(response, problem, 'text/plain', 'nnc play answers only to its own page');
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (pathname === '/given.json' && given !== undefined) return answer(response, 200, 'application/json', given);
    const file = files.get(pathname.endsWith('/') ? `${pathname}index.html` : pathname);
    if (file === undefined) return answer(response, 404, 'text/plain', 'there is no such page');
    answer(response, 200, TYPES[extname(file)] ?? 'application/octet-stream', readFileSync(file));
  });
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((f) => (f.isDirectory() ? filesOf(join(folder, f.name)) : [join(folder, f.name)]));

/** Why a request gets nothing: another site may have sent it (by its own name for this address, or from its pages). */
function refusal({ method, headers }: IncomingMessage): number | undefined {
  const own = /^(127\.0\.0\.1|localhost|\[::1\]):\d+$/;
  if (!own.test(headers.host ?? '')) return 403;
  if (headers.origin !== undefined && !own.test(headers.origin.replace(/^http:\/\//, ''))) return 403;
  return method === 'GET' || method === 'HEAD' ? undefined : 405;
}

function answer(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  // Isolated pages may use shared memory, so that all cores train.
  response.writeHead(status, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
  });
  response.end(body);
}

/** Opens the reader's browser, where there is one. */
function openBrowser(address: string): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', address]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', address]
        : ['xdg-open', address];
  if (process.platform === 'linux' && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']) return;
  const child = spawn(command ?? '', args, { stdio: 'ignore', detached: true });
  // Where no browser can be opened, the address that was printed is enough.
  child.on('error', () => undefined);
  child.unref();
}
