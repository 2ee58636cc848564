// gRPC through the guarded proxy with the real client and server of @grpc/grpc-js: all four kinds of call, deadlines,
// cancellation, error status in trailers, a dummy in the metadata that becomes the real value, and a refused method.
import grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DUMMY, ELSEWHERE, GuardedFixture, REAL, SECRET } from '../support/guarded';
import { testLeaf } from '../support/pki';
import { TOKEN } from '../support/wire';

const POLICY = `version: 1
mode: enforce
rules:
  - type: block
    description: Not this method
    condition: { match: { host: localhost, port: any, path: "/test.Echo/Blocked" } }
  - type: allow
    addresses: any
    condition: { match: { host: localhost, port: any } }
`;

const bytes = (value: Buffer) => value;
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});
const SERVICE = {
  Unary: method('Unary', false, false),
  Fails: method('Fails', false, false),
  Hangs: method('Hangs', false, false),
  Blocked: method('Blocked', false, false),
  Unknown: method('Unknown', false, false),
  Down: method('Down', false, true),
  Up: method('Up', true, false),
  Both: method('Both', true, true),
};

let fixture: GuardedFixture;
let server: grpc.Server;
let client: grpc.Client;
/** Authorization that the server saw, by method. */
const seen: Record<string, string> = {};
const received: string[] = [];
const cancelled: string[] = [];
let onCancelled: (() => void) | undefined;

const saw = (name: string, { metadata }: { metadata: grpc.Metadata }) =>
  (seen[name] = String(metadata.get('authorization')[0]));

beforeAll(async () => {
  fixture = await GuardedFixture.open('wire', POLICY, [SECRET, ELSEWHERE]);
  const { cert, key } = testLeaf(fixture.originCa);
  server = new grpc.Server();
  type Call = grpc.ServerUnaryCall<Buffer, Buffer>;
  type Answer = grpc.sendUnaryData<Buffer>;
  const note = (name: string, call: { on(event: 'cancelled', tell: () => void): unknown }) =>
    call.on('cancelled', () => {
      cancelled.push(name);
      onCancelled?.();
    });
  const { Unary, Fails, Hangs, Blocked, Down, Up, Both } = SERVICE;
  server.addService(
    { Unary, Fails, Hangs, Blocked, Down, Up, Both },
    {
      Unary: (call: Call, answer: Answer) => {
        saw('Unary', call);
        received.push(call.request.toString());
        const head = new grpc.Metadata();
        head.set('x-head', 'yes');
        call.sendMetadata(head);
        const trailers = new grpc.Metadata();
        trailers.set('x-trailer', `echo ${String(call.metadata.get('authorization')[0])}`);
        answer(null, call.request, trailers);
      },
      Fails: (_call: Call, answer: Answer) => answer({ code: grpc.status.NOT_FOUND, details: 'nobody of that name' }),
      Hangs: (call: Call) => note('Hangs', call),
      Blocked: (_call: Call, answer: Answer) => answer(null, Buffer.from('never')),
      Down: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
        note('Down', call);
        const count = call.request.readUInt32BE(0);
        if (count === 0) call.write(Buffer.from('first, and then nothing'));
        else {
          for (let i = 0; i < count; i++) call.write(Buffer.from(`message ${i}`));
          call.end();
        }
      },
      Up: (call: grpc.ServerReadableStream<Buffer, Buffer>, answer: Answer) => {
        let total = 0;
        call.on('data', (message: Buffer) => (total += message.length));
        call.on('end', () => answer(null, Buffer.from(String(total))));
      },
      Both: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        saw('Both', call);
        call.on('data', (message: Buffer) => call.write(Buffer.from(`re: ${message.toString()}`)));
        call.on('end', () => call.end());
      },
    },
  );
  const credentials = grpc.ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) },
  ]);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  for (const name of ['no_proxy', 'NO_PROXY', 'no_grpc_proxy']) Reflect.deleteProperty(process.env, name);
  process.env['grpc_proxy'] = `http://claude:${TOKEN}@127.0.0.1:${fixture.proxyPort}`;
  const Client = grpc.makeGenericClientConstructor(SERVICE, 'Echo');
  client = new Client(`localhost:${port}`, grpc.credentials.createSsl(Buffer.from(fixture.proxyCa.cert)));
  Reflect.deleteProperty(process.env, 'grpc_proxy');
});

afterAll(async () => {
  client.close();
  server.forceShutdown();
  await fixture.close();
});

const withDummy = () => {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${DUMMY}`);
  return metadata;
};
interface Outcome {
  readonly error: grpc.ServiceError | null;
  readonly value: Buffer | undefined;
  readonly head: grpc.Metadata | undefined;
  readonly status: grpc.StatusObject;
}
function unary(name: keyof typeof SERVICE, request: Buffer, options: grpc.CallOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    let head: grpc.Metadata | undefined;
    let answer: { error: grpc.ServiceError | null; value: Buffer | undefined } | undefined;
    let status: grpc.StatusObject | undefined;
    const done = () => answer && status && resolve({ ...answer, head, status });
    const { path } = SERVICE[name];
    const call = client.makeUnaryRequest(path, bytes, bytes, request, withDummy(), options, (error, value) => {
      answer = { error, value };
      done();
    });
    call.on('metadata', (metadata) => (head = metadata));
    call.on('status', (told) => {
      status = told;
      done();
    });
  });
}
/** Resolves once the server heard of the end of a call. */
const hearsOfTheEnd = (name: string) =>
  new Promise<void>((resolve) => {
    onCancelled = () => cancelled.includes(name) && resolve();
    onCancelled();
  });

describe('unary calls', () => {
  it('carry metadata, a message and trailers, with the real value put in and taken out', async () => {
    const { error, value, head, status } = await unary('Unary', Buffer.from('hello'));
    expect(error).toBeNull();
    expect(value!.toString()).toBe('hello');
    expect(head!.get('x-head')).toEqual(['yes']);
    expect(seen['Unary']).toBe(`Bearer ${REAL}`);
    expect(status.metadata.get('x-trailer')).toEqual([`echo Bearer ${DUMMY}`]);
  });

  it('carry 3 MiB each way', async () => {
    const message = Buffer.alloc(3 * 1024 * 1024, 'abcdefg');
    expect((await unary('Unary', message)).value!.equals(message)).toBe(true);
  });

  it('end with the server’s status', async () => {
    const { error } = await unary('Fails', Buffer.alloc(0));
    expect(error).toMatchObject({ code: grpc.status.NOT_FOUND, details: 'nobody of that name' });
    expect((await unary('Unknown', Buffer.alloc(0))).error).toMatchObject({ code: grpc.status.UNIMPLEMENTED });
  });

  it('end at their deadline, on both sides', async () => {
    const { error } = await unary('Hangs', Buffer.alloc(0), { deadline: Date.now() + 300 });
    expect(error).toMatchObject({ code: grpc.status.DEADLINE_EXCEEDED });
    await hearsOfTheEnd('Hangs');
  });

  it('are refused where the policy says so', async () => {
    const { error } = await unary('Blocked', Buffer.from('hello'));
    // HTTP 403, in gRPC's words.
    expect(error).toMatchObject({ code: grpc.status.PERMISSION_DENIED });
    const flows = await fixture.until((all) => all.some(({ outcome }) => outcome === 'blocked'));
    expect(flows.filter(({ path, outcome }) => path === '/test.Echo/Blocked' && outcome === 'blocked')).toHaveLength(1);
  });

  it('run side by side on one connection', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, (_, i) => unary('Unary', Buffer.from(`${i}`))));
    expect(all.map(({ value }) => value!.toString())).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  });
});

describe('streaming calls', () => {
  const count = (value: number) => {
    const message = Buffer.alloc(4);
    message.writeUInt32BE(value);
    return message;
  };

  it('server streaming brings every message in order', async () => {
    const call = client.makeServerStreamRequest(SERVICE.Down.path, bytes, bytes, count(500), withDummy());
    const messages: string[] = [];
    for await (const message of call) messages.push(String(message));
    expect(messages).toEqual(Array.from({ length: 500 }, (_, i) => `message ${i}`));
  });

  it('server streaming is cancelled on both sides', async () => {
    const call = client.makeServerStreamRequest(SERVICE.Down.path, bytes, bytes, count(0), withDummy());
    const error = new Promise<{ code?: number }>((resolve) => call.on('error', resolve));
    await new Promise((resolve) => call.once('data', resolve));
    call.cancel();
    expect((await error).code).toBe(grpc.status.CANCELLED);
    await hearsOfTheEnd('Down');
  });

  it('client streaming brings every message', async () => {
    const value = await new Promise<string>((resolve, reject) => {
      const call = client.makeClientStreamRequest(SERVICE.Up.path, bytes, bytes, withDummy(), (error, answer) =>
        error ? reject(error) : resolve(String(answer)),
      );
      for (let i = 0; i < 200; i++) call.write(Buffer.alloc(1_000));
      call.end();
    });
    expect(value).toBe('200000');
  });

  it('bidirectional streaming answers each message before the next', async () => {
    const call = client.makeBidiStreamRequest(SERVICE.Both.path, bytes, bytes, withDummy());
    for (let i = 0; i < 20; i++) {
      const answer = new Promise<string>((resolve) => call.once('data', (message) => resolve(String(message))));
      call.write(Buffer.from(`${i}`));
      expect(await answer).toBe(`re: ${i}`);
    }
    const status = new Promise<grpc.StatusObject>((resolve) => call.on('status', resolve));
    call.resume();
    call.end();
    expect((await status).code).toBe(grpc.status.OK);
    expect(seen['Both']).toBe(`Bearer ${REAL}`);
  });

  it('a dummy in a message ends the call, and the server never sees it', async () => {
    received.length = 0;
    const { error } = await unary('Unary', Buffer.from(`my key is ${ELSEWHERE.dummy}`));
    expect(error).toMatchObject({ code: grpc.status.PERMISSION_DENIED });
    expect(received).toEqual([]);
  });
});

it('is recorded without real values, every call once', async () => {
  const flows = await fixture.until((all) => all.length > 60 && all.every(({ outcome }) => outcome !== 'open'));
  expect(JSON.stringify(flows)).not.toContain(REAL);
  expect(flows.filter(({ path }) => path === '/test.Echo/Both')).toMatchObject([
    { outcome: 'allowed', injected: ['API_KEY'], status: 200 },
  ]);
  expect(flows.filter(({ path }) => path === '/test.Echo/Hangs')).toMatchObject([{ outcome: 'aborted' }]);
});
