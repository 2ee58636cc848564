// A flow for tests: everything ordinary but what the test is about.
import type { Flow } from '../../../src/core/flows/flow';

export function flowOf(change: Partial<Flow> = {}): Flow {
  return {
    id: 1,
    startedAt: Date.UTC(2026, 10, 23, 12),
    agent: 'claude',
    kind: 'request',
    scheme: 'https',
    host: 'x.example',
    port: 443,
    method: 'GET',
    path: '/a',
    outcome: 'allowed',
    decision: {
      action: 'allow',
      effective: 'allow',
      rule: 0,
      description: 'All of it',
      layer: 'workspace',
      reason: 'rule 1 "All of it" allows GET https://x.example/a.',
    },
    injected: [],
    findings: [],
    requestHeaders: [['accept', '*/*']],
    requestBytes: 0,
    status: 200,
    reasonPhrase: 'OK',
    responseHeaders: [['content-type', 'text/plain']],
    responseBytes: 5,
    error: undefined,
    timing: { firstByteMs: 3.14, totalMs: 42.4, reused: false },
    ...change,
  };
}
