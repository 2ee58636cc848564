import { expect, it } from 'vitest';
import { err, ok } from '../../../src/core/base/result';

it('holds a value or a reason', () => {
  expect(ok(1)).toEqual({ ok: true, value: 1 });
  expect(err('why')).toEqual({ ok: false, error: 'why' });
});
