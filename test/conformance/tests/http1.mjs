// HTTP/1.1 as it came: what a proxy must not change, and what it must take away. `{name, run(lab) → {ok, got}}`.
import { bodyOf, count, headIsThere } from '../lab.mjs';
import { answer, answerOk } from '../rawOrigin.mjs';

const seenBy = (lab) => lab.origin.seen[0] ?? 'nothing arrived';

export const http1Tests = [
  {
    name: 'injects the secret',
    async run(lab) {
      const { text } = await lab.exchange(lab.request([`Authorization: ${lab.credential}`]), answerOk(), {
        until: bodyOf(2),
      });
      return { ok: lab.sawRealKey(), got: text.slice(0, 100) };
    },
  },
  {
    name: 'request header case and order kept',
    async run(lab) {
      await lab.exchange(lab.request(['X-Zed: 1', 'x-aLpHa: 2', 'Accept: */*']), answerOk(), { until: bodyOf(2) });
      return { ok: /X-Zed: 1\r\nx-aLpHa: 2\r\nAccept/.test(seenBy(lab)), got: seenBy(lab) };
    },
  },
  {
    name: 'duplicate request headers kept apart',
    async run(lab) {
      await lab.exchange(lab.request(['X-D: 1', 'X-D: 2']), answerOk(), { until: bodyOf(2) });
      return { ok: count(seenBy(lab), /x-d:/gi) === 2, got: seenBy(lab) };
    },
  },
  {
    name: 'response header case and duplicates kept',
    async run(lab) {
      const handler = answerOk('X-CaSe: 1', 'Warning: a', 'Warning: b', 'Set-Cookie: a=1', 'Set-Cookie: b=2');
      const { text } = await lab.exchange(lab.request(), handler, { until: bodyOf(2) });
      const ok = text.includes('X-CaSe: 1') && count(text, /warning:/gi) === 2 && count(text, /set-cookie:/gi) === 2;
      return { ok, got: text };
    },
  },
  {
    name: 'reason phrase kept',
    async run(lab) {
      const handler = answer('HTTP/1.1 299 Very Special\r\nContent-Length: 2\r\n\r\nok');
      const { text } = await lab.exchange(lab.request(), handler, { until: bodyOf(2) });
      return { ok: text.startsWith('HTTP/1.1 299 Very Special'), got: text.slice(0, 60) };
    },
  },
  {
    name: 'hop-by-hop request headers dropped',
    async run(lab) {
      const fields = [
        'Connection: x-private',
        'X-Private: mine',
        'Proxy-Authorization: Basic eA==',
        'Keep-Alive: timeout=3',
      ];
      await lab.exchange(lab.request(fields), answerOk(), { until: bodyOf(2) });
      const head = seenBy(lab);
      const ok = lab.origin.seen.length > 0 && !/x-private: mine|proxy-authorization|keep-alive: timeout/i.test(head);
      return { ok, got: head };
    },
  },
  {
    name: 'client connection kept alive',
    async run(lab) {
      lab.origin.handler = answerOk();
      const client = await lab.connect();
      await client.talk(lab.request(), { until: bodyOf(2) });
      const { text } = await client.talk(lab.request(), { until: bodyOf(2) });
      client.destroy();
      return { ok: text.startsWith('HTTP/1.1 200'), got: text.slice(0, 100) };
    },
  },
  {
    name: 'upstream connection reused by 2 client connections',
    async run(lab) {
      await lab.exchange(lab.request(), answerOk(), { until: bodyOf(2) });
      await lab.lives(); // the connection goes back to its pool
      await lab.exchange(lab.request(), answerOk(), { until: bodyOf(2) });
      return { ok: lab.origin.opened === 1, got: `${lab.origin.opened} upstream connections` };
    },
  },
  {
    name: 'HEAD',
    async run(lab) {
      const handler = answer('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n');
      const { text } = await lab.exchange(lab.request([], { method: 'HEAD' }), handler, { until: headIsThere });
      return { ok: /content-length: 1234/i.test(text), got: text };
    },
  },
  {
    name: '204 and 304 without framing',
    async run(lab) {
      const answers = ['HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'];
      lab.origin.handler = (connection, { number }) => connection.write(answers[number - 1]);
      const client = await lab.connect();
      const first = await client.talk(lab.request(), { until: headIsThere });
      const second = await client.talk(lab.request(), { until: headIsThere });
      client.destroy();
      const ok =
        first.text.includes(' 204 ') &&
        !/transfer-encoding|content-length/i.test(first.text) &&
        second.text.includes(' 304 ') &&
        !/transfer-encoding/i.test(second.text);
      return { ok, got: first.text + second.text };
    },
  },
  {
    name: 'response trailers forwarded',
    async run(lab) {
      const handler = answer(
        'HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: yes\r\n\r\n',
      );
      const { text } = await lab.exchange(lab.request(['TE: trailers']), handler, {
        until: (read) => /\r\n0\r\n([^\r]+\r\n)*\r\n$/.test(read),
      });
      return { ok: /x-t: yes/i.test(text), got: text };
    },
  },
  {
    name: 'request trailers forwarded',
    async run(lab) {
      let body = '';
      const handler = (connection, { rest }) => {
        const take = (text) => {
          body += text;
          if (/(^|\r\n)0\r\n([^\r]+\r\n)*\r\n$/.test(body)) answerOk()(connection);
        };
        connection.onBytes = take;
        take(rest);
      };
      const head = lab.request(['Trailer: X-T', 'Transfer-Encoding: chunked'], { method: 'POST' });
      await lab.exchange(`${head}2\r\nhi\r\n0\r\nX-T: yes\r\n\r\n`, handler, { until: bodyOf(2) });
      return { ok: /x-t: yes/i.test(body), got: body };
    },
  },
  {
    name: '103 Early Hints forwarded',
    async run(lab) {
      const handler = (connection) => {
        connection.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n');
        setTimeout(() => answerOk()(connection), 100);
      };
      const { text } = await lab.exchange(lab.request(), handler, {
        until: (read) => read.includes('200 OK') && read.endsWith('ok'),
      });
      return { ok: text.startsWith('HTTP/1.1 103') && text.includes('HTTP/1.1 200'), got: text };
    },
  },
  {
    name: 'Expect: 100-continue decided by the origin',
    async run(lab) {
      const handler = answer('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n');
      const head = lab.request(['Expect: 100-continue', 'Content-Length: 5'], { method: 'POST' });
      const { text } = await lab.exchange(head, handler, { until: (read) => read.includes(' 417 ') });
      return { ok: text.includes(' 417 ') && !text.includes('100 Continue'), got: text };
    },
  },
];
