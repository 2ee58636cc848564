// Loaded into agents' Node processes (NODE_OPTIONS) whose built-in fetch does not honour proxy variables: before 22.21 and
// 24.5. It must never throw and must cost nothing until fetch is used. undici: `EnvHttpProxyAgent`.
import type * as Undici from 'undici';

const DISPATCHER = Symbol.for('undici.globalDispatcher.1');

function honoursProxyVariables(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21);
}

/** undici says on stderr that the agent is experimental: that would land in the output of every program. */
function useEnvironment(): void {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded late on purpose; esbuild bundles it
  const { EnvHttpProxyAgent, setGlobalDispatcher } = require('undici') as typeof Undici;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- put back as it was
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    setGlobalDispatcher(new EnvHttpProxyAgent());
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** The first call of fetch pays for loading undici (about 40 ms); every later one goes straight on. */
function install(): void {
  const original = globalThis.fetch as typeof fetch | undefined;
  if (typeof original !== 'function') return;
  const lazy: typeof fetch = (...args) => {
    globalThis.fetch = original;
    try {
      const holder = globalThis as unknown as Record<symbol, unknown>;
      // A program that set a dispatcher of its own before its first request means it.
      // Looked at before undici is loaded, which sets one.
      const own = holder[DISPATCHER] as { constructor: { name: string } } | undefined;
      if (own === undefined || own.constructor.name === 'Agent') {
        useEnvironment();
      }
    } catch {
      // Better a direct request that the network refuses than a broken program.
    }
    return original(...args);
  };
  globalThis.fetch = lazy;
}

try {
  const proxied =
    process.env['HTTPS_PROXY'] ?? process.env['https_proxy'] ?? process.env['HTTP_PROXY'] ?? process.env['http_proxy'];
  if (proxied && !honoursProxyVariables(process.versions.node)) install();
} catch {
  // Never in the way of the program.
}
