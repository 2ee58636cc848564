// Entry of the forked proxy process (dist/proxy.js). When its owner goes away it undoes the agents' wiring through the
// journal and ends, so that no agent is left pointing at a dead port. It never opens an inspector.
import { undoWiring } from '../files/wiring';
import type { FromProxy, ToProxy } from '../protocol/proxyMessages';
import { PROTOCOL_VERSION } from '../protocol/proxyMessages';
import { ProxyService } from './service';

const GRACE_MS = 2_000;

/** For the command line, which loads this file by its path: the same service without a process of its own. */
export function serve(send: (message: FromProxy) => void): {
  handle(message: ToProxy): Promise<void>;
  stop(graceMs: number): Promise<void>;
} {
  return new ProxyService(send);
}

/** A signal that Node answers with an inspector on localhost, where any process of the user could read our memory. */
export function refuseInspector(): void {
  process.on('SIGUSR1', () => undefined);
}

function runForked(): void {
  refuseInspector();
  // The editor ends us through the channel; a Ctrl-C in its terminal must not take the wiring down half-way.
  process.on('SIGINT', () => undefined);
  let wiringJournal: string | undefined;
  const send = (message: FromProxy) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  };
  const service = new ProxyService(send);
  const end = (code: number) => process.exit(code);
  let queue = Promise.resolve();
  process.on('message', (message: ToProxy) => {
    if (message.type === 'configure') wiringJournal = message.configuration.wiringJournal;
    queue = queue
      .then(() => service.handle(message))
      .then(() => {
        if (message.type === 'stop') end(0);
      })
      .catch((error: unknown) =>
        send({ type: 'log', level: 'error', text: `Internal error: ${(error as Error).name}` }),
      );
  });
  const abandoned = async () => {
    if (wiringJournal) await undoWiring(wiringJournal);
    await service.stop(GRACE_MS);
  };
  process.on('disconnect', () => void abandoned().finally(() => end(0)));
  process.on('SIGTERM', () => void abandoned().finally(() => end(0)));
  process.on('uncaughtException', (error) => {
    // One broken exchange must not take every other with it; the message may hold request text, so only its kind is told.
    send({
      type: 'log',
      level: 'error',
      text: `Uncaught ${error.name} in the proxy: ${(error.stack ?? '').split('\n')[1]?.trim() ?? ''}`,
    });
  });
  send({ type: 'ready', version: PROTOCOL_VERSION });
}

if (process.send !== undefined && process.env['SANDBOX_AGENT_PROXY'] === '1') runForked();
