// What must not end the process: odd answers, odd requests, clients that go away at every stage.
import { bodyOf, headIsThere } from '../lab.mjs';
import { answer, answerOk } from '../rawOrigin.mjs';

const HANDSHAKE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** Whether it lives after a request with each of these Host fields. */
async function survivesHosts(lab, hosts, fields) {
  lab.origin.handler = answerOk();
  for (const authority of hosts) {
    const client = await lab.connect().catch(() => undefined);
    await client?.talk(lab.request(fields, { authority }), { until: headIsThere, ms: 400 });
    client?.destroy();
    if (!(await lab.lives())) return { ok: false, got: `gone on Host: ${authority.slice(0, 30)}` };
  }
  return { ok: true, got: 'lives' };
}

export const survivalTests = [
  {
    name: 'control byte in a response header does not kill it',
    async run(lab) {
      const { text } = await lab.exchange(lab.request(), answerOk('X-Bad: a\x01b'), { until: headIsThere });
      return { ok: await lab.lives(), got: text.slice(0, 60) };
    },
  },
  {
    name: 'status 99 does not kill it',
    async run(lab) {
      const handler = answer('HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n');
      const { text } = await lab.exchange(lab.request(), handler, { until: headIsThere });
      return { ok: await lab.lives(), got: text.slice(0, 60) };
    },
  },
  {
    name: 'odd Host headers do not kill it',
    run: (lab) =>
      survivesHosts(lab, [
        ...['', ':', '[', 'a b', '%00', ':443', 'x'.repeat(3_000), '-'],
        ...['99999', '-1', 'abc'].map((port) => `${lab.host}:${port}`),
      ]),
  },
  {
    name: 'odd WebSocket Host does not kill it',
    run: (lab) => survivesHosts(lab, ['a b', ':', '[', '%', `${lab.host}:99999`], HANDSHAKE),
  },
  {
    name: 'reset clients during handshake and body do not kill it',
    async run(lab) {
      const connect = `CONNECT ${lab.authority} HTTP/1.1\r\nHost: ${lab.authority}\r\n\r\n`;
      const starts = ['', '\x16\x03\x01\x02\x00\x01\x00', '\x16\x03\x01\x00\x05\x01\x02\x03\x04\x05'];
      for (let round = 0; round < 12; round++) {
        const client = await lab.connectRaw();
        await client.talk(connect, { until: headIsThere, ms: 400 });
        client.socket.write(starts[round % starts.length], 'latin1');
        client.reset();
      }
      lab.origin.handler = (connection) => {
        connection.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
        connection.socket.write(Buffer.alloc(500_000));
      };
      for (let round = 0; round < 4; round++) {
        const client = await lab.connect();
        await client.talk(`${lab.request(['Content-Length: 100000'], { method: 'POST' })}abc`, { ms: 60 });
        client.reset();
      }
      if (!(await lab.lives())) return { ok: false, got: 'gone' };
      const { text } = await lab.exchange(lab.request(), answerOk(), { until: bodyOf(2) });
      return { ok: text.startsWith('HTTP/1.1 200'), got: text.slice(0, 60) };
    },
  },
];
