// ~/.netrc as curl and Python read it: spans, hosts, comments, macros, quotes.
import { describe, expect, it } from 'vitest';
import { scanNetrc } from '../../../src/core/env/netrc';

const read = (text: string) =>
  scanNetrc(Buffer.from(text)).map(({ start, end, hosts, in: places }) => [text.slice(start, end), hosts, places]);

describe('scanNetrc', () => {
  it('finds the password of each machine, on one line or many', () => {
    expect(
      read('machine a.example login me password aaaa\n\nmachine b.example\r\n\tlogin you\r\n\tpassword "b b#b"\r\n'),
    ).toEqual([
      ['aaaa', ['a.example'], ['basic']],
      ['b b#b', ['b.example'], ['basic']],
    ]);
  });

  it('binds the default entry to no host', () => {
    expect(read('machine a.example password one default login x password two')).toEqual([
      ['one', ['a.example'], ['basic']],
      ['two', [], ['basic']],
    ]);
  });

  it('skips comments and macros, and what is escaped or unfinished', () => {
    expect(
      read(
        '# machine no password no\nmachine a.example\nmacdef init\npassword fake\n\nmachine b.example password "es\\"caped" password good\npassword',
      ),
    ).toEqual([['good', ['b.example'], ['basic']]]);
    for (const text of ['', '"', 'machine', 'password "', 'macdef', '\\', 'machine x password "a\\'])
      expect(read(text)).toEqual([]);
  });

  it('takes a password for a password, also one that looks like a word of the language', () => {
    expect(read('machine a.example login password password machine')).toEqual([['machine', ['a.example'], ['basic']]]);
  });
});
