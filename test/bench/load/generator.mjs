// Load that h2load cannot make, in a process of its own on the load core. argv: one JSON object with `mode` and a route. The last
// line on stdout is the result; `idle` first prints {"standing": N} and waits for a line on stdin.
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { hostName, ORIGIN } from '../support/names.mjs';
import { summary } from '../support/statistics.mjs';
import { exchange, getRequest, open } from './client.mjs';

const options = JSON.parse(process.argv[2]);
const { originPort, credential } = options;
const context = tls.createSecureContext({ ca: options.ca.map((file) => readFileSync(file)) });
const errors = {};
const note = (error) => (errors[error.message] = (errors[error.message] ?? 0) + 1);

const connect = (host = ORIGIN) =>
  open({
    host,
    port: originPort,
    context,
    ...(options.connect ? { proxyPort: options.port } : { at: options.port }),
  });
const request = (path, { host = ORIGIN, ...fields } = {}) =>
  getRequest(`${host}:${originPort}`, path, { Authorization: credential, Accept: '*/*', ...fields });
const wanted = (answer) => {
  if (answer.status !== 200) throw new Error(`status ${answer.status}`);
  return answer;
};

/** Runs `task(index)` for 0 … count-1, `width` at a time. What fails is counted. */
async function each(count, width, task) {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      try {
        await task(next++);
      } catch (error) {
        note(error);
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** One request on a new connection: `{total, open}` in ms. */
async function firstRequest(host) {
  const from = performance.now();
  const { socket, openMs } = await connect(host);
  try {
    wanted(await exchange(socket, request('/auth', { host, Connection: 'close' })));
    return { total: performance.now() - from, open: openMs };
  } finally {
    socket.destroy();
  }
}

const modes = {
  /** Small requests on kept-alive connections, one under way on each. Where there is no h2load. */
  async small() {
    const sockets = [];
    await each(options.connections, 16, async () => sockets.push((await connect()).socket));
    const bytes = Buffer.from(request('/auth'));
    const latencies = [];
    const from = performance.now();
    const until = from + options.seconds * 1_000;
    await each(sockets.length, sockets.length, async (index) => {
      while (performance.now() < until) {
        const { ms, status } = await exchange(sockets[index], bytes);
        if (status === 200) latencies.push(ms);
        else note(new Error(`status ${status}`));
      }
    });
    const seconds = (performance.now() - from) / 1_000;
    return { requests: latencies.length, rps: latencies.length / seconds, latency: summary(latencies) };
  },

  /** Every request on a connection of its own, to one host. */
  async newConnections() {
    const samples = [];
    const from = performance.now();
    await each(options.count, options.width, async () => samples.push(await firstRequest(ORIGIN)));
    return {
      requests: samples.length,
      total: summary(samples.map(({ total }) => total)),
      open: summary(samples.map(({ open }) => open)),
      perSecond: samples.length / ((performance.now() - from) / 1_000),
    };
  },

  /** First contact with names never seen; a probe on a standing connection shows what that does to others. */
  async coldHosts() {
    const { socket } = await connect();
    const probe = async () => wanted(await exchange(socket, request('/auth'))).ms;
    await probe();
    const probes = [];
    let done = false;
    const probing = (async () => {
      while (!done) {
        probes.push(await probe());
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })().catch(note);
    const samples = [];
    await each(options.count, options.width, async (index) =>
      samples.push(await firstRequest(hostName(options.offset + index))),
    );
    done = true;
    await probing;
    socket.destroy();
    return {
      requests: samples.length,
      total: summary(samples.map(({ total }) => total)),
      open: summary(samples.map(({ open }) => open)),
      probe: summary(probes),
    };
  },

  /** Server-sent events: from the origin's write to our read, and how soon the head came. One clock: one machine. */
  async events() {
    const delays = [];
    const heads = [];
    await each(options.streams, 1, async () => {
      const { socket } = await connect();
      let text = '';
      let seen = 0;
      const answer = await exchange(socket, request(`/events?n=${options.count}&ms=${options.everyMs}`), (bytes) => {
        const now = process.hrtime.bigint();
        text += bytes.toString('latin1');
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const sent = /data: (\d+)/.exec(text.slice(0, end))?.[1];
          if (sent !== undefined) delays.push(Number(now - BigInt(sent)) / 1e6);
          text = text.slice(end + 2);
          seen++;
        }
      });
      socket.destroy();
      heads.push(wanted(answer).headMs);
      if (seen !== options.count) throw new Error(`${seen} of ${options.count} events`);
    });
    return { requests: options.streams, delay: summary(delays), head: summary(heads) };
  },

  /** Streams that stand open and say nothing more. */
  async idle() {
    const sockets = [];
    await each(options.count, 16, async () => {
      const { socket } = await connect();
      socket.write(request('/hold'));
      await new Promise((resolve, reject) => {
        socket.once('data', resolve);
        socket.once('close', () => reject(new Error('closed')));
      });
      sockets.push(socket);
    });
    console.log(JSON.stringify({ standing: sockets.length }));
    await new Promise((resolve) => process.stdin.once('data', resolve));
    const lost = sockets.filter((socket) => socket.destroyed).length;
    if (lost > 0) note(new Error(`${lost} streams lost`));
    return { requests: sockets.length };
  },
};

const result = await modes[options.mode]();
console.log(JSON.stringify({ ...result, errors }));
process.exit(0);
