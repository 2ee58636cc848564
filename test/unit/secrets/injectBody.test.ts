import { describe, expect, it } from 'vitest';
import { compileBodyInjection } from '../../../src/core/secrets/injectBody';
import type { BoundSecret } from '../../../src/core/secrets/types';

const KEY: BoundSecret = {
  name: 'KEY',
  value: 'real "value" &=ä',
  dummy: 'dummy-dummy-dummy',
  hosts: ['api.example.com'],
  in: ['body:token', 'body:auth.keys.1'],
};
const here = { host: 'api.example.com', unsafe: undefined };
const JSON_TYPE = 'application/json';
const FORM = 'application/x-www-form-urlencoded';

function inject(
  text: string,
  type = JSON_TYPE,
  target: Parameters<ReturnType<typeof compileBodyInjection>['inject']>[0] = here,
) {
  const bytes = Buffer.from(text);
  const result = compileBodyInjection([KEY]).inject(target, type, bytes);
  return { ...result, text: Buffer.from(result.bytes).toString(), same: result.bytes === bytes };
}

it('knows whose hosts read bodies', () => {
  expect(compileBodyInjection([KEY]).reads('api.example.com')).toBe(true);
  expect(compileBodyInjection([KEY]).reads('other.example.com')).toBe(false);
  expect(compileBodyInjection([{ ...KEY, in: ['header:x'] }]).reads('api.example.com')).toBe(false);
});

describe('puts the value into the bound field', () => {
  it.each([
    ['a name', '{"x": 1, "token" : "dummy-dummy-dummy"}', '{"x": 1, "token" : "real \\"value\\" &=ä"}'],
    ['a path', '{"auth":{"keys":["a","dummy-dummy-dummy"]}}', '{"auth":{"keys":["a","real \\"value\\" &=ä"]}}'],
  ])('of JSON: %s', (_, text, expected) => {
    expect(inject(text)).toMatchObject({ text: expected, injected: ['KEY'], findings: [] });
  });

  it('of a form', () => {
    const { text } = inject('a=1&token=dummy-dummy-dummy&b=2', FORM);
    expect(text).toBe('a=1&token=real%20%22value%22%20%26%3D%C3%A4&b=2');
    expect(new URLSearchParams(text).get('token')).toBe(KEY.value);
  });

  it('of a multipart form', () => {
    const body = (value: string) => `--B\r\nContent-Disposition: form-data; name="token"\r\n\r\n${value}\r\n--B--\r\n`;
    expect(inject(body(KEY.dummy), 'multipart/form-data; boundary=B').text).toBe(body(KEY.value));
  });
});

describe('leaves the dummy', () => {
  it.each([
    ['in another field', '{"text":"dummy-dummy-dummy"}'],
    ['inside a longer string', '{"token":"x dummy-dummy-dummy"}'],
    ['as a name', '{"dummy-dummy-dummy":"token"}'],
    ['deeper than bound', '{"a":{"token":"dummy-dummy-dummy"}}'],
    ['in JSON inside a string', '{"token":"{\\"token\\":\\"dummy-dummy-dummy\\"}"}'],
    ['in what does not parse', '{"token":"dummy-dummy-dummy"'],
  ])('%s', (_, text) => {
    expect(inject(text)).toMatchObject({ same: true, injected: [], findings: [] });
  });

  it('the second time', () => {
    const { text, findings } = inject('{"token":"dummy-dummy-dummy","token":"dummy-dummy-dummy"}');
    expect(text).toBe('{"token":"real \\"value\\" &=ä","token":"dummy-dummy-dummy"}');
    expect(findings).toEqual([{ kind: 'dummy-elsewhere', secret: 'KEY', place: 'body:token', action: 'marked' }]);
  });

  it('towards a host it is not bound to', () => {
    expect(inject('{"token":"dummy-dummy-dummy"}', JSON_TYPE, { ...here, host: 'b.example' }).same).toBe(true);
  });

  it('and blocks, where the connection is not safe', () => {
    const result = inject('{"token":"dummy-dummy-dummy"}', JSON_TYPE, { ...here, unsafe: 'dummy-cleartext' });
    expect(result).toMatchObject({
      same: true,
      injected: [],
      findings: [{ kind: 'dummy-cleartext', action: 'blocked' }],
    });
  });
});
