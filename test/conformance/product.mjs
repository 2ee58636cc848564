// The door for `npm test`: the product as a peer of the conformance tests. Types: product.d.mts.
import { findPeers, PRODUCT } from '../bench/peers/index.mjs';
import { Lab, runTest } from './lab.mjs';
import { TESTS } from './tests/index.mjs';

export const conformanceTests = TESTS;

/** Starts the built product (dist/cli.js); `{run(test), stop()}`. */
export async function startProduct() {
  const [product] = findPeers([PRODUCT]);
  const lab = new Lab(product);
  try {
    await lab.start();
  } catch (error) {
    await lab.stop();
    throw error;
  }
  return { run: (test) => runTest(lab, test), stop: () => lab.stop() };
}
