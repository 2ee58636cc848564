// ~/.npmrc: which lines hold credentials, for which registry, and where the client sends them.
import { describe, expect, it } from 'vitest';
import { scanNpmrc } from '../../../src/core/env/npmrc';

const read = (text: string) =>
  scanNpmrc(Buffer.from(text)).map(({ start, end, hosts, in: places }) => [text.slice(start, end), hosts, places]);

describe('scanNpmrc', () => {
  it('finds tokens by registry, with and without a port and a path', () => {
    expect(
      read(
        'registry=https://npm.example/\n//npm.example:8443/team/:_authToken=tok_1\r\n//other.example/:_authToken = "tok 2"\n',
      ),
    ).toEqual([
      ['tok_1', ['npm.example'], ['header:authorization']],
      ['tok 2', ['other.example'], ['header:authorization']],
    ]);
  });

  it('binds an unscoped token to the default registry', () => {
    expect(read('_authToken=tok_1')).toEqual([['tok_1', ['registry.npmjs.org'], ['header:authorization']]]);
    expect(read('registry=http://npm.example/x\n_authToken=tok_1')[0]![1]).toEqual(['npm.example']);
  });

  it('shows what goes out inside Basic without a place', () => {
    expect(read("//a.example/:_password='cGFzcw=='\n//a.example/:_auth=dXNlcjpwYXNz\n")).toEqual([
      ['cGFzcw==', ['a.example'], []],
      ['dXNlcjpwYXNz', ['a.example'], []],
    ]);
  });

  it('leaves references, comments and other settings alone', () => {
    expect(
      read(
        '//a.example/:_authToken=${NPM_TOKEN}\n; _authToken=no\n#_authToken=no\nemail=a@b\nx_authToken=no\n_authToken=\n',
      ),
    ).toEqual([]);
  });
});
