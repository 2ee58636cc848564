// gh's hosts.yml: tokens by host, for the host itself and for its users.
import { describe, expect, it } from 'vitest';
import { scanGhHosts } from '../../../src/core/env/ghHosts';

const read = (text: string) =>
  scanGhHosts(Buffer.from(text)).map(({ start, end, hosts }) => [text.slice(start, end), hosts[0]]);

describe('scanGhHosts', () => {
  it('finds the tokens of hosts and their users', () => {
    expect(
      read(
        'github.com:\n    users:\n        me:\n            oauth_token: gho_one\n    oauth_token: gho_one\n    user: me\n"ghe.example":\r\n    oauth_token: "gho_two"\r\n',
      ),
    ).toEqual([
      ['gho_one', 'github.com'],
      ['gho_one', 'github.com'],
      ['gho_two', 'ghe.example'],
    ]);
  });

  it('leaves what is not written as gh does', () => {
    for (const text of [
      'oauth_token: top',
      '{github.com: {oauth_token: x}}',
      'github.com:\n  oauth_token: *alias\n',
      'github.com:\n  oauth_token: "a\\nb"\n',
      '# github.com:\n#  oauth_token: x\n',
      '',
    ])
      expect(read(text)).toEqual([]);
  });
});
