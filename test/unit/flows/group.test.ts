import { expect, it } from 'vitest';
import { groupByHost } from '../../../src/core/flows/group';
import { flowOf } from './flows';

it('groups by host in order of first sight, the newest flow first', () => {
  const flows = [
    flowOf({ id: 1, host: 'b.example', outcome: 'blocked' }),
    flowOf({ id: 2, host: 'a.example', injected: ['A', 'B'] }),
    flowOf({ id: 3, host: 'b.example' }),
  ];
  expect(
    groupByHost(flows).map(({ host, flows: own, blocked, injected }) => [
      host,
      own.map(({ id }) => id),
      blocked,
      injected,
    ]),
  ).toEqual([
    ['b.example', [3, 1], 1, 0],
    ['a.example', [2], 0, 1],
  ]);
  expect(groupByHost([])).toEqual([]);
});
