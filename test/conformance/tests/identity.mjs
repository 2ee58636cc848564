// Where a request goes, whom the proxy believes, and what it opens on the machine.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { freePorts } from '../../bench/support/processes.mjs';
import { listeningPorts } from '../../bench/support/procfs.mjs';
import { bodyOf, headIsThere, Skip } from '../lab.mjs';
import { answerOk } from '../rawOrigin.mjs';

/** The exchange, or the refusal as text. */
const attempt = (exchange) => exchange.catch((error) => ({ text: '', refused: error.message }));

function literal(address) {
  return async (lab) => {
    const authority = `${net.isIPv6(address) ? `[${address}]` : address}:${lab.origin.port}`;
    const { text, refused } = await attempt(
      lab.exchange(lab.request([], { authority }), answerOk(), { to: { host: address }, until: bodyOf(2) }),
    );
    return { ok: text.includes(' 200 '), got: refused ?? text.slice(0, 100) };
  };
}

/** Ports on which the peer listens beside its own, after one request. */
async function innerPorts(lab) {
  await lab.exchange(lab.request(), answerOk(), { until: bodyOf(2) });
  const ports = listeningPorts(lab.proxy.pid);
  if (!ports) throw new Skip('listening ports are read from /proc');
  return ports.filter((port) => port !== lab.proxyPort);
}

export const identityTests = [
  {
    name: 'upstream refuses connection: 502/503/504, process lives',
    async run(lab) {
      const [port] = await freePorts(1);
      const request = lab.request([], { authority: `${lab.host}:${port}` });
      const { text, refused } = await attempt(
        lab.exchange(request, undefined, { to: { port }, until: headIsThere, ms: 4_000 }),
      );
      const answer = refused ?? text;
      return { ok: /HTTP\/1\.1 50[234]/.test(answer) && (await lab.lives()), got: answer.slice(0, 100) };
    },
  },
  {
    name: 'untrusted upstream certificate refused',
    async run(lab) {
      lab.stranger.handler = answerOk();
      const { port } = lab.stranger;
      const request = lab.request([`Authorization: ${lab.credential}`], { authority: `${lab.host}:${port}` });
      const { text, refused } = await attempt(
        lab.exchange(request, undefined, { to: { port }, until: headIsThere, ms: 4_000 }),
      );
      const ok = lab.stranger.seen.length === 0 && !text.includes(' 200 ') && (await lab.lives());
      return { ok, got: refused ?? text.slice(0, 100) };
    },
  },
  {
    name: 'destination is the CONNECT authority, not the Host header',
    async run(lab) {
      lab.other.handler = answerOk();
      const authority = `h0001.${lab.host.split('.').slice(1).join('.')}:${lab.other.port}`;
      const request = lab.request([`Authorization: ${lab.credential}`], { authority });
      const { text, refused } = await attempt(lab.exchange(request, answerOk(), { until: bodyOf(2) }));
      if (lab.other.seen.length === 0) return { ok: true, got: refused ?? text.slice(0, 80) };
      return {
        ok: false,
        got: `went to the server of the Host header, real secret in it: ${lab.sawRealKey(lab.other)}`,
      };
    },
  },
  {
    name: 'CONNECT port is honoured when Host has none',
    async run(lab) {
      const { text } = await lab.exchange(lab.request([], { authority: lab.host }), answerOk(), { until: bodyOf(2) });
      return { ok: lab.origin.seen.length === 1, got: text.slice(0, 100) };
    },
  },
  {
    name: 'IPv6 literal [::1]',
    run(lab) {
      if (!lab.origin.hasIpv6) throw new Skip('no IPv6 here');
      return literal('::1')(lab);
    },
  },
  { name: 'IPv4 literal 127.0.0.1', run: literal('127.0.0.1') },
  {
    name: 'server speaks first through CONNECT (ssh, smtp)',
    async run(lab) {
      const banner = net.createServer((socket) => {
        socket.on('error', () => undefined);
        socket.write('SSH-2.0-x\r\n');
      });
      await new Promise((resolve) => banner.listen(lab.tunnelPort, '127.0.0.1', resolve));
      const client = await lab.connectRaw();
      const authority = `${lab.host}:${lab.tunnelPort}`;
      const { text } = await client.talk(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`, {
        until: (read) => read.includes('SSH-2.0'),
      });
      client.destroy();
      banner.close();
      return { ok: text.includes('SSH-2.0'), got: text.slice(0, 100) };
    },
  },
  {
    name: 'inner listening ports',
    async run(lab) {
      const ports = await innerPorts(lab);
      return { ok: ports.length === 0, got: ports.length === 0 ? 'none' : `${ports.length} more` };
    },
  },
  {
    name: 'inner port gives the secret without proxy auth',
    async run(lab) {
      for (const port of await innerPorts(lab)) {
        lab.origin.seen = [];
        const socket = tls.connect({ host: '127.0.0.1', port, servername: lab.host, rejectUnauthorized: false });
        await new Promise((resolve) => {
          socket.on('error', resolve);
          socket.once('secureConnect', () => socket.write(lab.request([`Authorization: ${lab.credential}`])));
          socket.once('data', resolve);
          setTimeout(resolve, 1_500).unref();
        });
        socket.destroy();
        if (lab.sawRealKey()) return { ok: false, got: 'a TLS connection to it brought the real secret to the origin' };
      }
      return { ok: true, got: 'no' };
    },
  },
  {
    name: 'CA private key not readable by others',
    async run(lab) {
      const open = readdirSync(lab.peerDirectory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
        .filter((file) => /BEGIN (RSA |EC )?PRIVATE KEY/.test(readFileSync(file, 'latin1')))
        .filter((file) => (statSync(file).mode & 0o077) !== 0)
        .map((file) => `${path.relative(lab.peerDirectory, file)} ${(statSync(file).mode & 0o777).toString(8)}`);
      return { ok: open.length === 0, got: open.slice(0, 3).join(', ') || 'none' };
    },
  },
];
