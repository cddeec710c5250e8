/** Serves built folders as plain files, with the headers that let threads share memory and without. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
};

export type Serving = 'isolated' | 'plain';

export interface Site {
  readonly server: Server;
  /** The address of a folder's page. */
  address(serving: Serving, folder: string): string;
}

/** @param folders By the names that stand in addresses: `/<serving>/<name>/`. */
export async function serve(folders: Readonly<Record<string, string>>): Promise<Site> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const [, serving, name, ...rest] = pathname.split('/');
    try {
      const content = readFileSync(join(folders[name], normalize(rest.join('/') || 'index.html')));
      response.setHeader('Content-Type', TYPES[extname(rest.at(-1) || 'index.html')] ?? 'application/octet-stream');
      if (serving === 'isolated') {
        response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
        response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
      }
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, address: (serving, folder) => `http://127.0.0.1:${port}/${serving}/${folder}/` };
}
