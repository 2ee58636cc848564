import { expect, it } from 'vitest';
import { DisposableStore } from '../../../src/core/base/disposable';

it('disposes of everything once, last added first, and of late comers at once', () => {
  const seen: string[] = [];
  const item = (name: string) => ({ dispose: () => void seen.push(name) });
  const store = new DisposableStore();
  store.add(item('a'));
  store.add(item('b'));
  store.dispose();
  store.dispose();
  store.add(item('c'));
  expect(seen).toEqual(['b', 'a', 'c']);
});
