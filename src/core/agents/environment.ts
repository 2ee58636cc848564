// What an agent's process gets in its environment so that its traffic goes through the proxy and is trusted on the way:
// proxy variables in both letter cases, the CA for every tool that reads a variable of its own, dummies for its keys.

export interface AgentEnvironmentOptions {
  readonly host: string;
  readonly port: number;
  readonly label: string;
  readonly token: string;
  /** Our CA certificate alone, for tools that add it to their roots. */
  readonly caFile: string;
  /** System roots, the user's corporate roots and our CA, for tools whose variable replaces the store. */
  readonly bundleFile: string;
  /** Absolute path of the preload for Node that does not honour proxy variables; undefined: leave it out. */
  readonly preload: string | undefined;
  /** Dummies by the name of the variable. */
  readonly dummies: Readonly<Record<string, string>>;
  /** The environment that the process would have: some of it is kept or extended. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
}

/** Loopback is not proxied: an agent's own dev server is not the network. */
export const NO_PROXY = 'localhost,127.0.0.1,::1';

/** Variables that replace the whole store of a tool: they get the bundle (vendors' documentation; observed). */
const BUNDLE_VARIABLES = [
  'SSL_CERT_FILE',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'CARGO_HTTP_CAINFO',
  'npm_config_cafile',
  'AWS_CA_BUNDLE',
  'CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE',
  'HTTPLIB2_CA_CERTS',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
  'NIX_SSL_CERT_FILE',
  'HEX_CACERTS_PATH',
  'BUNDLE_SSL_CA_CERT',
  'DENO_CERT',
  'CODEX_CA_CERTIFICATE',
] as const;

export function proxyUrl({
  host,
  port,
  label,
  token,
}: Pick<AgentEnvironmentOptions, 'host' | 'port' | 'label' | 'token'>): string {
  return `http://${encodeURIComponent(label)}:${encodeURIComponent(token)}@${host}:${port}`;
}

/** Proxy and CA variables: what a settings file and a process both need. */
export function wiringEnvironment(options: AgentEnvironmentOptions): Record<string, string> {
  const url = proxyUrl(options);
  const env: Record<string, string> = {
    HTTPS_PROXY: url,
    HTTP_PROXY: url,
    https_proxy: url,
    http_proxy: url,
    // Alone it leaks Claude Code's early calls (agents.md); beside the others it keeps a committed one from naming another way out.
    ALL_PROXY: url,
    all_proxy: url,
    NO_PROXY,
    no_proxy: NO_PROXY,
    NODE_EXTRA_CA_CERTS: options.bundleFile,
    NODE_USE_ENV_PROXY: '1',
    UV_NATIVE_TLS: 'true',
    DENO_TLS_CA_STORE: 'system,mozilla',
    // Pinned, so that a committed settings file cannot send the conversation elsewhere.
    ANTHROPIC_BASE_URL: options.inherited['ANTHROPIC_BASE_URL'] ?? 'https://api.anthropic.com',
  };
  for (const name of BUNDLE_VARIABLES) env[name] = options.bundleFile;
  return env;
}

/** The whole of what a process gets on top of what it inherits. */
export function agentEnvironment(options: AgentEnvironmentOptions): Record<string, string> {
  const env = { ...wiringEnvironment(options), ...options.dummies };
  if (options.preload !== undefined) {
    const require = `--require ${quote(options.preload)}`;
    const inherited = options.inherited['NODE_OPTIONS'];
    env['NODE_OPTIONS'] = inherited && !inherited.includes(options.preload) ? `${inherited} ${require}` : require;
  }
  return env;
}

/** As Node splits NODE_OPTIONS: double quotes, with backslash escapes inside. */
function quote(file: string): string {
  return /[\s"\\]/.test(file) ? `"${file.replace(/["\\]/g, '\\$&')}"` : file;
}
