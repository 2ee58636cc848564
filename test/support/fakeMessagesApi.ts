// A local stand-in for the vendor's Messages API, over real TLS, with SSE. It accepts one key and nothing else, so that an
// answer proves that the real key arrived. Shapes as in Anthropic's API reference, "Messages" and "Streaming".
import type { ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { IssuedCertificate } from '../../src/files/x509';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly body: string;
}

export class FakeMessagesApi {
  readonly seen: SeenRequest[] = [];
  readonly #server: https.Server;

  constructor(
    certificate: IssuedCertificate,
    private readonly realKey: string,
    private readonly answer: string,
  ) {
    this.#server = https.createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const header = request.headers['x-api-key'] ?? request.headers.authorization?.replace(/^Bearer /, '');
        const key = Array.isArray(header) ? header[0] : header;
        const seen = { method: request.method!, path: request.url!, key, body: Buffer.concat(chunks).toString('utf8') };
        this.seen.push(seen);
        if (key !== this.realKey) {
          response.writeHead(401, { 'content-type': 'application/json' });
          response.end(
            JSON.stringify({ type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } }),
          );
        } else if (request.url!.startsWith('/v1/messages/count_tokens')) {
          response.writeHead(200, { 'content-type': 'application/json' }).end('{"input_tokens":10}');
        } else if (request.url!.startsWith('/v1/messages')) {
          this.#message(seen.body, response);
        } else {
          response
            .writeHead(404, { 'content-type': 'application/json' })
            .end('{"type":"error","error":{"type":"not_found_error","message":"not here"}}');
        }
      });
    });
  }

  #message(body: string, response: ServerResponse): void {
    const { stream, model } = JSON.parse(body) as { stream?: boolean; model: string };
    const message = {
      id: 'msg_local',
      type: 'message',
      role: 'assistant',
      model,
      content: [] as object[],
      stop_reason: null as string | null,
      stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 1 },
    };
    if (!stream) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ ...message, content: [{ type: 'text', text: this.answer }], stop_reason: 'end_turn' }),
      );
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = (type: string, data: object) =>
      response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
    event('message_start', { message });
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
    for (const text of this.answer.split(/(?<= )/))
      event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } });
    event('content_block_stop', { index: 0 });
    event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 9 } });
    event('message_stop', {});
    response.end();
  }

  async listen(host: string): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, host, resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
