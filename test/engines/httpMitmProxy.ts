// The engine interface over http-mitm-proxy's hooks, with the same handlers as our own engine. It keeps the choice of the
// engine fair and reversible (docs/decisions/0001-engine.md). It is no guard: see that document for what its hooks cannot reach.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { type IContext, Proxy } from 'http-mitm-proxy';
import { canonicalHost, splitAuthority } from '../../src/core/base/host';
import { makeLeaf, readIssuer } from '../../src/files/x509';
import type {
  BodyTransform,
  Client,
  Engine,
  EngineOptions,
  Exchange,
  Fields,
  LocalAnswer,
  Target,
} from '../../src/proxy/engine';
import { RefusedBody } from '../../src/proxy/engine';
import { errorAnswer } from '../../src/proxy/wire/errors';

const DAY_MS = 86_400_000;

export class HttpMitmProxyEngine implements Engine {
  readonly #proxy = new Proxy();
  readonly #open = new Set<{ exchange: Exchange; context: IContext }>();

  /** `directory`: where it keeps its certificates and keys; it cannot do without. */
  constructor(
    private readonly options: EngineOptions,
    private readonly directory: string,
  ) {
    const issuer = readIssuer(options.ca);
    // Its own certificates are RSA of 300 ms each; the hook lets us give ours.
    this.#proxy.onCertificateMissing = ((
      { hostname }: { hostname: string },
      _files: unknown,
      callback: (error: null, data: object) => void,
    ) => {
      const leaf = makeLeaf(hostname, issuer, new Date(Date.now() - DAY_MS), new Date(Date.now() + 30 * DAY_MS));
      callback(null, { keyFileData: leaf.key, certFileData: leaf.cert + options.ca.cert, hosts: [hostname] });
    }) as never;
    this.#proxy.onError((context, error) => {
      const open = [...this.#open].find((item) => item.context === context);
      if (open && !(error instanceof RefusedBody))
        this.#end(open, { kind: 'failed', code: 'upstream-failed', message: 'The upstream failed.' });
    });
    this.#proxy.onConnect((request, socket, _head, proceed) => {
      const client = options.authenticate.byHeader(request.headers['proxy-authorization']);
      if (client) {
        proceed();
        return;
      }
      socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="Sandbox Agent"\r\nContent-Length: 0\r\n\r\n',
      );
    });
    this.#proxy.onRequest((context, proceed) => this.#request(context, proceed));
  }

  #request(context: IContext, proceed: (error?: Error | null) => void): void {
    const request = context.clientToProxyRequest;
    const { target, client } = this.#who(context);
    if (!target || !client) {
      context.proxyToClientResponse.writeHead(client ? 421 : 407).end();
      return;
    }
    const fields = fieldsOf(request.rawHeaders);
    const hasBody =
      request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
    const exchange = this.options.handlers.request(
      { method: request.method!, path: request.url!, fields, upgrade: false, hasBody },
      target,
      client,
    );
    const open = { exchange, context };
    this.#open.add(open);
    const { verdict } = exchange;
    if (verdict.kind === 'answer') {
      this.#answer(context, verdict.answer);
      this.#end(open, { kind: 'complete' });
      return;
    }
    if (verdict.kind === 'hold') {
      // Its hooks see the body when the head is on its way.
      this.#answer(
        context,
        errorAnswer(501, 'held-body', 'This engine cannot hold a request back until its body is judged.'),
      );
      this.#end(open, { kind: 'complete' });
      return;
    }
    const out = context.proxyToServerRequestOptions!;
    out.path = verdict.path;
    out.headers = Object.fromEntries(verdict.fields.lower.map((name, i) => [name, verdict.fields.values[i]!]));
    const { body } = verdict;
    if (body) {
      context.onRequestData((_, chunk, done) => {
        try {
          done(null, body.push(chunk));
        } catch (error) {
          if (!(error instanceof RefusedBody)) throw error;
          context.proxyToServerRequest?.destroy();
          this.#answer(context, error.answer);
          this.#end(open, { kind: 'complete' });
        }
      });
    }
    context.onResponse((_, done) => {
      exchange.sent(false);
      const response = context.serverToProxyResponse!;
      const verdictBack = exchange.response({
        status: response.statusCode!,
        reason: response.statusMessage ?? '',
        fields: fieldsOf(response.rawHeaders),
        hasBody: true,
      });
      for (let i = 0; i < verdictBack.fields.lower.length; i++)
        response.headers[verdictBack.fields.lower[i]!] = verdictBack.fields.values[i]!;
      if (verdictBack.body) this.#transformResponse(context, verdictBack.body);
      done();
    });
    context.onResponseEnd((_, done) => {
      this.#end(open, { kind: 'complete' });
      done();
    });
    proceed();
  }

  #transformResponse(context: IContext, body: BodyTransform): void {
    context.onResponseData((_, chunk, done) => done(null, body.push(chunk)));
    context.onResponseEnd((_, done) => {
      const rest = body.end();
      if (rest.length > 0) context.proxyToClientResponse.write(rest);
      done();
    });
  }

  /** The nearest its hooks come to an identity: CONNECT's authority against `Host`. The SNI is out of reach. */
  #who(context: IContext): { target: Target | undefined; client: Client | undefined } {
    const connect = context.isSSL ? context.connectRequest : context.clientToProxyRequest;
    const client = this.options.authenticate.byHeader(connect.headers['proxy-authorization']);
    const read = (text: string | undefined) => {
      const split = splitAuthority(text ?? '');
      const host = split.ok ? canonicalHost(split.value.host) : undefined;
      return split.ok && host?.ok ? { host: host.value.host, port: split.value.port } : undefined;
    };
    const named = read(context.clientToProxyRequest.headers.host);
    const connected = context.isSSL ? read(connect.url) : named;
    if (!named || connected?.host !== named.host || (named.port !== undefined && named.port !== connected.port))
      return { target: undefined, client };
    return {
      target: {
        scheme: context.isSSL ? 'https' : 'http',
        host: connected.host,
        port: connected.port ?? (context.isSSL ? 443 : 80),
      },
      client,
    };
  }

  #answer(context: IContext, answer: LocalAnswer): void {
    if (context.proxyToClientResponse.headersSent) return;
    context.proxyToClientResponse.writeHead(answer.status, answer.reason, Object.fromEntries(answer.headers));
    context.proxyToClientResponse.end(answer.body);
  }

  #end(open: { exchange: Exchange; context: IContext }, how: Parameters<Exchange['end']>[0]): void {
    if (this.#open.delete(open)) open.exchange.end(how, { request: 0, response: 0 });
  }

  async listen({
    host,
    port,
  }: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly host: string; readonly port: number }> {
    const { lookup, upstreamCa } = this.options;
    const named = lookup ? { lookup: nodeLookup(lookup) } : {};
    const httpsAgent = new https.Agent({ keepAlive: true, ca: [...upstreamCa], ...named });
    await new Promise<void>((resolve, reject) => {
      this.#proxy.listen(
        { host, port, sslCaDir: this.directory, httpsAgent, httpAgent: new http.Agent({ keepAlive: true, ...named }) },
        ((error?: Error) => {
          if (error) reject(error);
          else resolve();
        }) as () => void,
      );
    });
    return { host, port: this.#proxy.httpPort };
  }

  reconsider(): void {
    for (const { exchange, context } of [...this.#open])
      if (!exchange.stillAllowed()) context.clientToProxyRequest.socket.destroy();
  }

  async close(): Promise<void> {
    this.#proxy.close();
  }
}

/** The engine's look-up in the form that Node's sockets take. */
function nodeLookup(lookup: NonNullable<EngineOptions['lookup']>): net.LookupFunction {
  return (name, { all }, done) => {
    lookup(name).then(
      (found) => {
        const addresses = found.map((address) => ({ address, family: net.isIP(address) }));
        if (all === true) done(null, addresses);
        else done(null, addresses[0]!.address, addresses[0]!.family);
      },
      (error: unknown) => done(error as NodeJS.ErrnoException, ''),
    );
  };
}

function fieldsOf(rawHeaders: readonly string[]): Fields {
  const fields: Fields = { names: [], lower: [], values: [] };
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (/^(?:proxy-authorization|proxy-connection|connection|keep-alive)$/i.test(name)) continue;
    fields.names.push(name);
    fields.lower.push(name.toLowerCase());
    fields.values.push(rawHeaders[i + 1]!);
  }
  return fields;
}
