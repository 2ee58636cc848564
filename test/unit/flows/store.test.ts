import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FlowStore } from '../../../src/core/flows/store';
import { flowOf } from './flows';

const ids = (store: FlowStore) => store.flows.map(({ id }) => id);

it('keeps the order of arrival, replaces by id and drops the oldest', () => {
  const store = new FlowStore(3);
  let changes = 0;
  store.onDidChange(() => changes++);
  store.add([flowOf({ id: 1, outcome: 'open' }), flowOf({ id: 2 })]);
  store.add([flowOf({ id: 1, outcome: 'allowed', status: 204 }), flowOf({ id: 3 })]);
  expect(ids(store)).toEqual([1, 2, 3]);
  expect(store.get(1)?.status).toBe(204);
  store.add([flowOf({ id: 4 }), flowOf({ id: 5 })]);
  expect(ids(store)).toEqual([3, 4, 5]);
  expect(store.get(1)).toBeUndefined();
  expect(changes).toBe(3);
});

it('counts each flow once, whatever becomes of it, also after it was dropped or cleared', () => {
  const store = new FlowStore(1);
  store.add([flowOf({ id: 1, outcome: 'open' }), flowOf({ id: 2, outcome: 'open' })]);
  store.add([flowOf({ id: 1, outcome: 'open', injected: ['A'] })]);
  store.clear();
  store.add([flowOf({ id: 1, outcome: 'allowed', injected: ['A'] }), flowOf({ id: 2, outcome: 'blocked' })]);
  store.add([flowOf({ id: 2, outcome: 'blocked' })]);
  expect(store.flows).toEqual([]);
  expect(store.totals).toEqual({ seen: 2, blocked: 1, injected: 1 });
});

it('does not mix the flows of a proxy that was started again with those before', () => {
  const store = new FlowStore(10);
  store.add([flowOf({ id: 1, startedAt: 1 }), flowOf({ id: 2, startedAt: 2 }), flowOf({ id: 3, startedAt: 2 })]);
  store.add([flowOf({ id: 1, startedAt: 9, host: 'new.example', outcome: 'open' })]);
  store.add([
    flowOf({ id: 1, startedAt: 9, host: 'new.example', outcome: 'blocked' }),
    flowOf({ id: 2, startedAt: 9 }),
  ]);
  store.add([flowOf({ id: 1, startedAt: 20 })]);
  expect(store.flows.map(({ id, host }) => `${id} ${host}`)).toEqual([
    '1 x.example',
    '2 x.example',
    '3 x.example',
    '4 new.example',
    '5 x.example',
    '6 x.example',
  ]);
  expect(store.get(4)?.outcome).toBe('blocked');
  expect(store.totals).toEqual({ seen: 6, blocked: 1, injected: 0 });
});

it('is bounded and counts truly for any sequence', () => {
  const events = fc.array(
    fc.record({ id: fc.nat(12), outcome: fc.constantFrom('open' as const, 'blocked' as const, 'allowed' as const) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 5 }), (sequence, limit) => {
      const store = new FlowStore(limit);
      // As a proxy sends them: ids begin in order, a flow that is over does not begin again.
      const over = new Map<number, string>();
      let last = 0;
      for (const { id, outcome } of sequence) {
        const next = Math.min(id, last + 1);
        if (next === 0 || over.has(next)) continue;
        last = Math.max(last, next);
        if (outcome !== 'open') over.set(next, outcome);
        store.add([flowOf({ id: next, startedAt: next, outcome })]);
        expect(store.flows.length).toBeLessThanOrEqual(limit);
      }
      expect(store.totals.seen).toBe(last);
      // Nothing is forgotten but flows that were dropped while a whole list of others was dropped open as well.
      const blocked = [...over.values()].filter((outcome) => outcome === 'blocked').length;
      expect(store.totals.blocked).toBeLessThanOrEqual(blocked);
      if (last <= limit) expect(store.totals.blocked).toBe(blocked);
    }),
  );
});
