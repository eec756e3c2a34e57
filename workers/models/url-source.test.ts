import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { urlSource } from './url-source.ts';

const WHOLE = Uint8Array.from({ length: 70_000 }, (_, i) => i % 251);

let server: Server;
let folder: string;
let asked: string[];
/** What becomes of the requests for a file, one after the other; the last one's goes for all that follow. */
let fates: ('whole' | 'silence' | 'half' | 'broken' | 'none')[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers['cache-control'] ?? ''}`.trim());
    const fate = fates[Math.min(asked.length, fates.length) - 1];
    if (fate === 'none') response.writeHead(404).end();
    else if (fate === 'whole') response.end(WHOLE);
    else if (fate !== 'silence') {
      response.writeHead(200, { 'content-length': WHOLE.length });
      response.write(WHOLE.subarray(0, 30_000));
      if (fate === 'broken') setTimeout(() => response.destroy(), 50);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  folder = `http://127.0.0.1:${(server.address() as AddressInfo).port}/nano/`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const read = () => urlSource(folder, 1000).read('unet-0.bin');

test('a file is read once', async () => {
  fates = ['whole'];
  expect(await read()).toEqual(WHOLE);
  expect(asked).toEqual(['/nano/unet-0.bin']);
});

test.each(['silence', 'half', 'broken'] as const)(
  'a read that ends in %s is made again, past the cache',
  async (fate) => {
    fates = [fate, 'whole'];
    expect(await read()).toEqual(WHOLE);
    expect(asked).toEqual(['/nano/unet-0.bin', '/nano/unet-0.bin no-cache']);
  },
);

test('what never comes is given up, what is not there at once', async () => {
  fates = ['half'];
  await expect(read()).rejects.toThrow('nothing more came of /nano/unet-0.bin');
  expect(asked).toHaveLength(2);
  fates = ['none'];
  asked = [];
  await expect(read()).rejects.toThrow('404');
  expect(asked).toHaveLength(1);
}, 20_000);
