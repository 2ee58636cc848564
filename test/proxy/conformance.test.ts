// The 40 conformance tests on the product as users start it: a process of its own, `dist/cli.js proxy`. The table is shared with
// `npm run conformance`, which runs the peers too. What this machine lacks a tool for counts as skipped.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conformanceTests, startProduct } from '../conformance/product.mjs';

describe('conformance', () => {
  let product: Awaited<ReturnType<typeof startProduct>>;
  beforeAll(async () => {
    product = await startProduct();
  });
  afterAll(() => product.stop());

  for (const test of conformanceTests) {
    it(test.name, { timeout: 30_000 }, async (context) => {
      const { ok, skipped, got } = await product.run(test);
      context.skip(skipped === true, got);
      expect({ ok, got }).toEqual({ ok: true, got });
    });
  }
});
