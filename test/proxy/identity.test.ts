// Host disguises (threat-model.md) over every way in: each spelling is one canonical host or is refused, and a host that is
// refused causes no look-up. The policy sees the canonical form and nothing else.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Handlers } from '../../src/proxy/engine';
import { connectRaw } from '../support/rawClient';
import { connectSocks } from '../support/socks';
import { AUTH, OpenHandlers, WireFixture } from '../support/wire';

let wire: WireFixture;
let open: OpenHandlers;
/** Whether everything is refused at once, so that only the identity is looked at. */
let blocking: boolean;
const looked: string[] = [];
const asked: string[] = [];
beforeEach(async () => {
  looked.length = asked.length = 0;
  blocking = true;
  open = new OpenHandlers();
  const blocked = { status: 403, reason: 'Forbidden', headers: [], body: '' };
  const handlers: Handlers = {
    connect({ host }) {
      asked.push(host);
      return blocking ? { kind: 'answer', answer: blocked } : open.connect();
    },
    request(head, target, client) {
      asked.push(target.host);
      open.answer = blocking ? blocked : undefined;
      return open.request(head, target, client);
    },
    refused: (what) => open.refused(what),
  };
  wire = await WireFixture.open({
    handlers,
    lookup: async (name) => {
      looked.push(name);
      throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    },
  });
});
afterEach(() => wire.close());

/** latin1 of the UTF-8 bytes, as a test writes them. */
const utf8 = (text: string) => Buffer.from(text).toString('latin1');

const ways = {
  CONNECT: async (host: string) => {
    const client = await connectRaw(wire.proxyPort);
    const text = await client
      .write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${AUTH}\r\n\r\n`)
      .until((received) => received.includes('\r\n\r\n'));
    client.socket.destroy();
    return text.slice(9, 12);
  },
  SOCKS5: async (host: string) => {
    const { client, reply } = await connectSocks(wire.proxyPort, { host: host.replace(/^\[(.*)\]$/, '$1'), port: 443 });
    client.socket.destroy();
    return reply;
  },
  'an absolute target': async (host: string) => {
    const client = await connectRaw(wire.proxyPort);
    const text = await client
      .write(`GET http://${host}:8080/ HTTP/1.1\r\nHost: ${host}:8080\r\nProxy-Authorization: ${AUTH}\r\n\r\n`)
      .until((received) => received.includes('\r\n\r\n'));
    client.socket.destroy();
    return text.slice(9, 12);
  },
} as const;

/** As written, and the one form that it has. */
const SAME: readonly (readonly [string, string])[] = [
  ['github.com', 'github.com'],
  ['GitHub.COM', 'github.com'],
  ['github.com.', 'github.com'],
  ['github.com.evil.com', 'github.com.evil.com'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
  [utf8('bücher.example'), 'xn--bcher-kva.example'],
  [utf8('BÜCHER.example'), 'xn--bcher-kva.example'],
  [utf8('ｇｉｔｈｕｂ.com'), 'github.com'],
  [utf8('github。com'), 'github.com'],
  [utf8('gıthub.com'), 'xn--gthub-n4a.com'],
  ['127.0.0.1', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['0x7f.1', '127.0.0.1'],
  ['017700000001', '127.0.0.1'],
  ['127.1', '127.0.0.1'],
  ['127.0.0.1.', '127.0.0.1'],
  ['0251.0376.0251.0376', '169.254.169.254'],
  [utf8('１２７.0.0.1'), '127.0.0.1'],
  ['[::1]', '::1'],
  ['[0:0:0:0:0:0:0:1]', '::1'],
  ['[::ffff:127.0.0.1]', '127.0.0.1'],
  ['[::FFFF:7f00:1]', '127.0.0.1'],
];

const REFUSED = [
  'github.com\0.evil.com',
  '\0',
  'github..com',
  '.github.com',
  '-a.example',
  'a_b-.example',
  '[::1%eth0]',
  '[fe80::1%25eth0]',
  '[::1',
  'github.com%00',
  'git%68ub.com',
  'user@github.com',
  'github.com#x',
  'github.com\\x',
  '256.1.1.1',
  '1.2.3.4.5',
  '0x7g.1',
  '08.1.1.1',
  `${'a'.repeat(64)}.example`,
  'caf\xe9.example',
  utf8('a\u200b\u2060?.example'),
];

describe.each(Object.entries(ways))('%s', (way, ask) => {
  it.each(SAME)('%j is %s', async (host, canonical) => {
    expect(await ask(host)).toBe(way === 'SOCKS5' ? 2 : '403');
    expect(asked).toEqual([canonical]);
    expect(looked).toEqual([]);
  });

  it.each(REFUSED)('%j is refused', async (host) => {
    expect(await ask(host)).toBe(way === 'SOCKS5' ? 2 : '400');
    expect(asked).toEqual([]);
    expect(looked).toEqual([]);
    expect(open.refusals).toHaveLength(1);
  });
});

describe('SOCKS5 addresses', () => {
  it.each([
    [[127, 0, 0, 1], '127.0.0.1'],
    [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], '::1'],
    [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 169, 254, 169, 254], '169.254.169.254'],
    [[32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], '2001:db8::1'],
  ])('%j is %s', async (host, canonical) => {
    const { client, reply } = await connectSocks(wire.proxyPort, { host, port: 443 });
    expect([reply, asked]).toEqual([2, [canonical]]);
    client.socket.destroy();
  });

  it('a name of 255 bytes is refused, not cut', async () => {
    const { client, reply } = await connectSocks(wire.proxyPort, { host: 'a.'.repeat(127) + 'a', port: 443 });
    expect([reply, asked]).toEqual([2, []]);
    client.socket.destroy();
  });
});

describe('inside a CONNECT', () => {
  beforeEach(() => (blocking = false));

  it.each([
    ['github.com', 'github.com', 502],
    ['github.com', 'GITHUB.com.:443', 502],
    ['github.com', 'github.com:443', 502],
    ['xn--bcher-kva.example', utf8('Bücher.example'), 502],
    ['github.com', 'github.com:80', 421],
    ['github.com', 'github.com.evil.com', 421],
    ['github.com', 'evil.com', 421],
    ['github.com', 'github.com\0', 400],
    ['github.com', 'a@github.com', 400],
    ['github.com', '', 400],
    ['github.com', utf8('gıthub.com'), 421],
  ])('CONNECT %j, Host %j: %i', async (connected, host, status) => {
    const client = await wire.connect(`${connected}:443`);
    const text = await client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).response(10);
    expect(text.slice(9, 12)).toBe(String(status));
    expect(looked).toHaveLength(status === 502 ? 1 : 0);
  });

  it.each([
    ['https://github.com/x', 502],
    ['https://GITHUB.com.:443/x', 502],
    ['http://github.com/x', 421],
    ['https://github.com:444/x', 421],
    ['https://github.com.evil.com/x', 421],
    ['https://evil.com/x', 421],
    ['https://a@github.com/x', 400],
    ['https://github.com\\@evil.com/x', 400],
    ['//evil.com/x', 502],
  ])('CONNECT github.com, target %s: %i', async (target, status) => {
    const client = await wire.connect('github.com:443');
    const text = await client.write(`GET ${target} HTTP/1.1\r\nHost: github.com\r\n\r\n`).response(10);
    expect(text.slice(9, 12)).toBe(String(status));
    expect(looked).toEqual(status === 502 ? ['github.com'] : []);
  });

  it.each([
    ['github.com', true],
    ['GitHub.com', true],
    ['evil.com', false],
    ['github.com.evil.com', false],
  ])('SNI %s: %s', async (servername, fits) => {
    const connecting = wire.connect('github.com:443', servername);
    if (fits) await connecting;
    else {
      await expect(connecting).rejects.toThrow();
      await open.until(() => open.refusals.length > 0);
      expect(open.refusals).toEqual(['identity-mismatch']);
    }
    expect(looked).toEqual([]);
  });
});
