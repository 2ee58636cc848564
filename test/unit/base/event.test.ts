import { expect, it } from 'vitest';
import { Emitter } from '../../../src/core/base/event';

it('calls listeners in order until they are disposed of', () => {
  const emitter = new Emitter<number>();
  const seen: string[] = [];
  const first = emitter.event((value) => seen.push(`a${value}`));
  emitter.event((value) => seen.push(`b${value}`));
  emitter.fire(1);
  first.dispose();
  emitter.fire(2);
  emitter.dispose();
  emitter.fire(3);
  expect(seen).toEqual(['a1', 'b1', 'b2']);
});

it('lets a listener remove itself while it is called', () => {
  const emitter = new Emitter<number>();
  const seen: number[] = [];
  const subscription = emitter.event((value) => {
    seen.push(value);
    subscription.dispose();
  });
  emitter.fire(1);
  emitter.fire(2);
  expect(seen).toEqual([1]);
});
