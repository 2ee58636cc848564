import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePolicy, evaluate, evaluateConnect } from '../../../src/core/policy/evaluate';
import { parsePolicy } from '../../../src/core/policy/parse';
import type { Policy, PolicyRequest, Scheme } from '../../../src/core/policy/types';

function policy(text: string): Policy {
  const parsed = parsePolicy(text);
  expect(parsed.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  return parsed.policy!;
}

/** `GET https://host:port/path`, without the URL parser: it would tidy the path up. */
function request(text: string, agent?: string): PolicyRequest {
  const [, method, scheme, host, port, path] = /^(\S+) (\w+):\/\/(\[[^\]]*\]|[^:/*]+)(?::(\d+))?(\/.*|\*)?$/.exec(
    text,
  )!;
  return {
    method: method!,
    scheme: scheme as Scheme,
    host: host!.replace(/[[\]]/g, ''),
    port: port === undefined ? (scheme!.endsWith('s') ? 443 : 80) : Number(port),
    path: path ?? '/',
    agent,
  };
}

const SPEC = policy(`
mode: enforce
default: block
rules:
  - type: allow
    description: Allow Claude Code to access Anthropic completions
    condition:
      match: { host: api.anthropic.com, method: POST, path: /v1/messages }
  - type: block
    description: No gists, GitHub is allowed below
    condition:
      match: { host: api.github.com, path: /gists/** }
    action: deny
  - type: allow
    condition:
      match: { host: [github.com, "*.github.com"], method: [GET, HEAD] }
  - type: tunnel
    description: Pinned certificate, cannot be inspected
    condition:
      match: { host: updates.example.com }
`);

describe('the policy of the documentation', () => {
  it.each([
    ['POST https://api.anthropic.com/v1/messages', 'allow', 0],
    ['POST https://api.anthropic.com/v1/messages?beta=true', 'allow', 0],
    ['GET https://api.anthropic.com/v1/messages', 'block', undefined],
    ['post https://api.anthropic.com/v1/messages', 'block', undefined],
    ['POST https://api.anthropic.com/v1/complete', 'block', undefined],
    ['POST http://api.anthropic.com/v1/messages', 'allow', 0],
    ['POST https://api.anthropic.com:8443/v1/messages', 'block', undefined],
    ['GET https://api.github.com/user', 'allow', 2],
    ['POST https://api.github.com/gists', 'block', 1],
    ['GET https://api.github.com/gists/1', 'block', 1],
    ['GET https://api.github.com/gistsx', 'allow', 2],
    ['GET https://github.com/', 'allow', 2],
    ['GET https://a.b.github.com/', 'allow', 2],
    ['GET https://github.com.evil.com/', 'block', undefined],
    ['PUT https://github.com/', 'block', undefined],
    ['GET https://updates.example.com/', 'tunnel', 3],
    ['GET wss://api.github.com/live', 'allow', 2],
  ])('%s: %s', (text, action, rule) => {
    const decision = evaluate(SPEC, request(text));
    expect([decision.action, decision.effective, decision.rule?.index]).toEqual([action, action, rule]);
  });
});

describe('readings of the path', () => {
  // threat-model: path disguises. The block on /gists/** holds however the path is dressed up.
  it.each([
    '/gists',
    '/gists/',
    '/gists/1',
    '//gists/1',
    '/./gists/1',
    '/x/../gists/1',
    '/x/%2e%2e/gists/1',
    '/x/%2E%2E/gists/1',
    '/x/.%2e/gists',
    '/x%2f..%2fgists',
    '/x/%252e%252e/gists',
    '/%67ists',
    '/%2567ists',
    '/gists;a=b/1',
    '/x/..;/gists/1',
    '/x\\..\\gists',
    '/gists\\1',
    '/gists%2f1',
    '/gists%5c1',
    '/gists%3fx',
    '/gists#x',
    '/;x/gists',
    '/x;%2fy/../%67ists',
  ])('%s is a gist', (path) => {
    const decision = evaluate(SPEC, request(`GET https://api.github.com${path}`));
    expect([decision.action, decision.effective, decision.rule?.index]).toEqual(['block', 'block', 1]);
  });

  it('says under which reading a disguised path was judged', () => {
    const decision = evaluate(SPEC, request('GET https://api.github.com/x/%2e%2e/gists/1'));
    expect(decision.reason).toBe(
      'rule 2 "No gists, GitHub is allowed below" blocks GET https://api.github.com/x/%2e%2e/gists/1 (which a server may read as "/gists/1").',
    );
    expect(decision.trace.map(({ rule, matched }) => [rule, matched])).toEqual([
      [0, false],
      [1, true],
    ]);
  });

  it('lets an npm scope through where its readings are allowed', () => {
    const npm = policy('{type: allow, condition: {match: {host: registry.npmjs.org, method: GET}}}');
    expect(evaluate(npm, request('GET https://registry.npmjs.org/@scope%2fname')).action).toBe('allow');
    const narrow = policy('{type: allow, condition: {match: {host: r.example, path: ["/@scope/*", "/@scope%2f*"]}}}');
    expect(evaluate(narrow, request('GET https://r.example/@scope%2fname')).action).toBe('allow');
    expect(evaluate(narrow, request('GET https://r.example/@scope%2f..%2fother')).action).toBe('block');
  });

  it.each(['/a%00', '/a%zz', '/a%0a', '/a\u0001'])('refuses %j in every mode', (path) => {
    const open = policy('{mode: monitor, default: allow}');
    const decision = evaluate(open, request(`GET https://x.example${path}`));
    expect([decision.action, decision.effective, decision.rule]).toEqual(['block', 'block', undefined]);
    expect(decision.reason).toContain('cannot be read');
  });

  it('takes the stricter addresses of two readings', () => {
    const two = policy(`
- {type: allow, addresses: any, condition: {match: {host: x.example, path: "/a%2fb"}}}
- {type: allow, condition: {match: {host: x.example, path: /a/b}}}`);
    expect(evaluate(two, request('GET https://x.example/a%2fb')).addresses).toBe('public');
    expect(evaluate(two, request('GET https://x.example/a/b')).addresses).toBe('public');
  });
});

describe('modes', () => {
  const text = (mode: string, fallback: string) => `
mode: ${mode}
default: ${fallback}
rules:
  - {type: block, condition: {match: {host: bad.example}}}
  - {type: allow, condition: {match: {host: good.example}}}`;

  it.each([
    ['enforce', 'block', 'other', 'block', 'block'],
    ['ask', 'block', 'other', 'block', 'block'],
    ['monitor', 'block', 'other', 'block', 'allow'],
    ['enforce', 'allow', 'other', 'allow', 'allow'],
    ['monitor', 'allow', 'other', 'allow', 'allow'],
    ['monitor', 'block', 'bad', 'block', 'block'],
    ['monitor', 'allow', 'bad', 'block', 'block'],
    ['enforce', 'allow', 'bad', 'block', 'block'],
    ['monitor', 'block', 'good', 'allow', 'allow'],
    ['enforce', 'block', 'good', 'allow', 'allow'],
  ])('%s with default %s on %s: %s, in effect %s', (mode, fallback, host, action, effective) => {
    const decision = evaluate(policy(text(mode, fallback)), request(`GET https://${host}.example/`));
    expect([decision.action, decision.effective]).toEqual([action, effective]);
    const connect = evaluateConnect(policy(text(mode, fallback)), { host: `${host}.example`, port: 443 });
    expect([connect.action, connect.effective]).toEqual([action, effective]);
  });

  it.each([
    ['enforce', 'No rule matches GET https://x.example/; the default blocks it.'],
    ['monitor', 'No rule matches GET https://x.example/; mode monitor lets it through and marks it.'],
  ])('%s says: %s', (mode, reason) => {
    expect(evaluate(policy(`mode: ${mode}`), request('GET https://x.example/')).reason).toBe(reason);
  });
});

describe('conditions', () => {
  const decide = (match: string, text: string, agent?: string, type = 'allow') =>
    evaluate(policy(`{type: ${type}, condition: {match: ${match}}}`), request(text, agent)).rule !== undefined;

  it.each([
    ['{host: x.example}', 'GET https://x.example/', true],
    ['{host: x.example}', 'GET http://x.example/', true],
    ['{host: x.example}', 'GET wss://x.example/', true],
    ['{host: x.example}', 'GET https://x.example:8443/', false],
    ['{host: x.example}', 'GET https://x.example:80/', false],
    ['{host: x.example, port: 8443}', 'GET https://x.example:8443/', true],
    ['{host: x.example, port: 8443}', 'GET https://x.example/', false],
    ['{host: x.example, port: [80, 443]}', 'GET https://x.example:80/', true],
    ['{host: x.example, port: any}', 'GET https://x.example:1/', true],
    ['{host: x.example, scheme: https}', 'GET http://x.example/', false],
    ['{host: x.example, scheme: [https, wss]}', 'GET wss://x.example/', true],
    ['{host: x.example, method: [GET, HEAD]}', 'HEAD https://x.example/', true],
    ['{host: x.example, method: GET}', 'get https://x.example/', false],
    ['{host: x.example, path: [/a, /b]}', 'GET https://x.example/b', true],
    ['{host: x.example, path: "*"}', 'OPTIONS http://x.example*', true],
    ['{host: "::1"}', 'GET http://[::1]/', true],
    ['{host: 10.0.0.0/8}', 'GET http://10.1.2.3/', true],
  ])('%s on %s: %s', (match, text, expected) => {
    expect(decide(match, text)).toBe(expected);
  });

  it('knows agents by their label', () => {
    const match = '{host: x.example, agent: claude}';
    expect(decide(match, 'GET https://x.example/', 'claude')).toBe(true);
    expect(decide(match, 'GET https://x.example/', 'codex')).toBe(false);
    expect(decide(match, 'GET https://x.example/')).toBe(false);
  });

  it('blocks every port of a host unless told otherwise', () => {
    expect(decide('{host: x.example}', 'GET https://x.example:8443/', undefined, 'block')).toBe(true);
    expect(decide('{host: x.example, port: 443}', 'GET https://x.example:8443/', undefined, 'block')).toBe(false);
  });

  it('lets the first rule that matches decide', () => {
    const order = policy(`
- {type: allow, condition: {match: {host: a.x.example}}}
- {type: block, condition: {match: {host: "*.x.example"}}}
- {type: allow, condition: {match: {host: b.x.example}}}
- {type: block, condition: {match: {method: DELETE}}}
- {type: allow, acknowledge: any-host, condition: {match: {host: "*"}}}`);
    const rule = (text: string) => evaluate(order, request(text)).rule?.index;
    expect(rule('DELETE https://a.x.example/')).toBe(0);
    expect(rule('GET https://b.x.example/')).toBe(1);
    expect(rule('DELETE https://y.example/')).toBe(3);
    expect(rule('GET https://y.example/')).toBe(4);
  });
});

describe('evaluateConnect', () => {
  const connect = (text: string, host: string, port = 443, agent?: string) => {
    const { action, effective, rule } = evaluateConnect(policy(text), { host, port, agent });
    return [action, effective, rule?.index];
  };

  it.each([
    ['api.anthropic.com', 443, ['allow', 'allow', 0]],
    ['api.anthropic.com', 80, ['allow', 'allow', 0]],
    ['api.anthropic.com', 8443, ['block', 'block', undefined]],
    ['api.github.com', 443, ['allow', 'allow', 2]],
    ['updates.example.com', 443, ['tunnel', 'tunnel', 3]],
    ['updates.example.com', 22, ['block', 'block', undefined]],
    ['other.example', 443, ['block', 'block', undefined]],
  ])('%s:%i', (host, port, expected) => {
    const { action, effective, rule } = evaluateConnect(SPEC, { host, port });
    expect([action, effective, rule?.index]).toEqual(expected);
  });

  it('refuses a host that is blocked whole, also on a port that no rule names', () => {
    const text = `
- {type: block, condition: {match: {host: x.example}}}
- {type: allow, condition: {match: {host: x.example}}}`;
    expect(connect(text, 'x.example')).toEqual(['block', 'block', 0]);
    expect(connect(text, 'x.example', 8443)).toEqual(['block', 'block', 0]);
  });

  it('lets a connection be made where an earlier rule allows part of a blocked host', () => {
    const text = `
- {type: allow, condition: {match: {host: x.example, path: /a}}}
- {type: block, condition: {match: {host: x.example}}}`;
    expect(connect(text, 'x.example')).toEqual(['allow', 'allow', 0]);
  });

  it('does not pass a host unread whose requests an earlier rule must see', () => {
    const text = `
- {type: block, condition: {match: {host: x.example, path: /a}}}
- {type: tunnel, condition: {match: {host: x.example}}}`;
    expect(connect(text, 'x.example')).toEqual(['allow', 'allow', 1]);
  });

  it('goes by the agent', () => {
    const text = '{type: tunnel, condition: {match: {host: x.example, agent: claude}}}';
    expect(connect(text, 'x.example', 443, 'claude')).toEqual(['tunnel', 'tunnel', 0]);
    expect(connect(text, 'x.example', 443, 'codex')).toEqual(['block', 'block', undefined]);
  });

  it('never refuses what a request could be allowed', () => {
    fc.assert(
      fc.property(anyPolicy, anyRequest, (some, one) => {
        fc.pre(evaluate(some, one).effective !== 'block');
        expect(evaluateConnect(some, one).effective).not.toBe('block');
      }),
      { numRuns: 2_000 },
    );
  });

  it('never passes unread what a rule blocks', () => {
    fc.assert(
      fc.property(anyPolicy, anyRequest, (some, one) => {
        // Neither what a tunnel cannot know: an unreadable path, or TLS on the port of cleartext.
        fc.pre(one.path !== '/%' && one.port !== (one.scheme === 'https' ? 80 : 443));
        fc.pre(evaluateConnect(some, one).effective === 'tunnel');
        expect(evaluate(some, one).effective).not.toBe('block');
      }),
      { numRuns: 2_000 },
    );
  });
});

const host = fc.constantFrom('a.example', 'b.a.example', 'b.example', '10.1.1.1');
const path = fc.constantFrom('/', '/a', '/a/b', '/a%2fb', '//a', '/a/../b', '/a;x', '/%', '/a?q');
const anyRequest: fc.Arbitrary<PolicyRequest> = fc.record({
  scheme: fc.constantFrom('http' as const, 'https' as const),
  host,
  port: fc.constantFrom(80, 443, 8080),
  method: fc.constantFrom('GET', 'POST', 'CONNECT', 'x'),
  path,
  agent: fc.option(fc.constantFrom('claude', 'codex'), { nil: undefined }),
});
const maybe = <T>(values: fc.Arbitrary<T>) =>
  fc.option(
    values.map((value) => [value]),
    { nil: undefined },
  );
const anyPolicy: fc.Arbitrary<Policy> = fc
  .record({
    mode: fc.constantFrom('monitor' as const, 'ask' as const, 'enforce' as const),
    default: fc.constantFrom('block' as const, 'allow' as const),
    rules: fc.array(
      fc.record({
        type: fc.constantFrom('allow' as const, 'block' as const, 'tunnel' as const),
        host: maybe(fc.constantFrom('a.example', '*.a.example', '*.example', '*', '10.0.0.0/8')),
        port: fc.option(fc.constantFrom('any' as const, [443], [80, 8080]), { nil: undefined }),
        scheme: maybe(fc.constantFrom('http' as const, 'https' as const)),
        method: maybe(fc.constantFrom('GET', 'POST')),
        path: maybe(fc.constantFrom('/a', '/a/**', '/*', '/**/b')),
        agent: maybe(fc.constantFrom('claude')),
      }),
      { maxLength: 6 },
    ),
  })
  .map(({ rules, ...rest }) => ({
    ...rest,
    secrets: [],
    tests: [],
    rules: rules.map(({ type, ...match }, index) => ({
      index,
      type,
      description: undefined,
      // As the parser has it: a tunnel is limited by host, port and agent only.
      match: type === 'tunnel' ? { ...match, method: undefined, path: undefined, scheme: undefined } : match,
      addresses: 'public' as const,
      acknowledged: true,
      upstream: undefined,
      websocket: undefined,
      detection: undefined,
      credentials: undefined,
      range: { start: 0, end: 0 },
    })),
  }));

describe('evaluate', () => {
  it('is total and agrees with trying every rule in turn', () => {
    const fast = fc.string({ maxLength: 20 });
    fc.assert(
      fc.property(anyPolicy, anyRequest, fast, (some, one, junk) => {
        for (const text of [one.path, junk]) {
          const decision = evaluate(some, { ...one, path: text });
          expect(['allow', 'block', 'tunnel']).toContain(decision.action);
          if (decision.rule?.type === 'block') expect(decision.effective).toBe('block');
          expect(decision.reason).not.toBe('');
          const last = decision.trace[decision.trace.length - 1];
          if (decision.rule) expect(last).toMatchObject({ rule: decision.rule.index, matched: true });
          else expect(decision.trace.every(({ matched }) => !matched)).toBe(true);
          expect(JSON.parse(JSON.stringify(decision))).toMatchObject({ action: decision.action });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('explains each rule up to the one that decided', () => {
    const some = policy(`
- {type: allow, condition: {match: {host: y.example}}}
- {type: allow, condition: {match: {host: x.example, port: 8080}}}
- {type: allow, condition: {match: {host: x.example, port: any, scheme: http}}}
- {type: allow, condition: {match: {host: x.example, method: [POST, PUT]}}}
- {type: allow, condition: {match: {host: x.example, agent: codex}}}
- {type: allow, condition: {match: {host: x.example, path: [/b, /c/*]}}}
- {type: allow, condition: {match: {host: "*.example"}}, acknowledge: any-host}
- {type: block, condition: {match: {host: x.example}}}`);
    const decision = evaluate(some, request('GET https://x.example/a?secret=1', 'claude'));
    expect(decision.trace).toEqual([
      { rule: 0, matched: false, why: 'host x.example is not y.example' },
      { rule: 1, matched: false, why: 'port 443 is not 8080' },
      { rule: 2, matched: false, why: 'scheme https is not http' },
      { rule: 3, matched: false, why: 'method GET is not POST or PUT' },
      { rule: 4, matched: false, why: 'agent claude is not codex' },
      { rule: 5, matched: false, why: 'path /a is not /b or /c/*' },
      { rule: 6, matched: true, why: 'matched' },
    ]);
    expect(evaluate(some, request('GET https://x.example:9/')).trace[0]?.why).toBe('host x.example is not y.example');
    expect(evaluate(some, request('GET https://z.example:9/')).trace[6]).toEqual({
      rule: 6,
      matched: false,
      why: 'port 9 is not the default of https',
    });
    expect(evaluate(some, request('GET https://x.example/%')).trace[6]?.why).toBe('not tried: the path cannot be read');
    expect(evaluateConnect(some, { host: 'x.example', port: 8080 }).trace).toEqual([
      { rule: 0, matched: false, why: 'host x.example is not y.example' },
      { rule: 1, matched: true, why: 'could decide a request' },
    ]);
    expect(JSON.parse(JSON.stringify(decision))).toEqual({
      action: 'allow',
      effective: 'allow',
      rule: { index: 6, type: 'allow' },
      layer: 'workspace',
      reason: 'rule 7 allows GET https://x.example/a.',
      addresses: 'public',
      trace: decision.trace,
    });
  });

  it('compiles a policy once', () => {
    expect(compilePolicy(SPEC)).toBe(compilePolicy(SPEC));
    expect(compilePolicy(SPEC).policy).toBe(SPEC);
  });
});

it('of readings that differ in the upstream only, the one whose certificate is verified counts', () => {
  const policy = parsePolicy(`
- { type: allow, upstream: { insecure: lab }, condition: { match: { host: a.example, path: "/lab/**" } } }
- { type: allow, condition: { match: { host: a.example } } }
`).policy!;
  const rule = (path: string) =>
    evaluate(policy, { scheme: 'https', host: 'a.example', port: 443, method: 'GET', path }).rule?.index;
  expect([rule('/lab/x'), rule('/lab/../x'), rule('/x')]).toEqual([0, 1, 1]);
});
