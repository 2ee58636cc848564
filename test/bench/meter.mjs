// What a measurement cost: CPU of the proxy, and how much of the machine others took meanwhile. A measurement that others
// disturbed is made again; the least disturbed one counts.
import { cpuSeconds, machineBusySeconds } from './support/procfs.mjs';
import { pause } from './support/processes.mjs';

/** Share of one core that others may take. */
const MAX_FOREIGN = 0.15;

const snapshot = (proxy) => ({
  at: performance.now(),
  machine: machineBusySeconds(),
  // The whole tree: peers, origins and generators are our children, and ended ones count as reaped.
  ours: cpuSeconds(process.pid),
  proxy: proxy ? cpuSeconds(proxy.pid) : NaN,
});

/** The result of `measure`, with `proxyCpu` in seconds and `foreign` as a share of one core. */
async function once(proxy, measure) {
  const before = snapshot(proxy);
  const result = await measure();
  const after = snapshot(proxy);
  const seconds = (after.at - before.at) / 1_000;
  const foreign = Math.max(0, after.machine - before.machine - (after.ours - before.ours)) / seconds;
  return { ...result, proxyCpu: after.proxy - before.proxy, foreign };
}

export async function metered({ proxy, retries }, measure) {
  let best;
  for (let attempt = 0; attempt <= retries; attempt++) {
    const result = await once(proxy, measure);
    if (!best || result.foreign < best.foreign) best = result;
    if (!(best.foreign > MAX_FOREIGN)) break;
    await pause(1_500);
  }
  return best;
}

export const isDisturbed = ({ foreign }) => foreign > MAX_FOREIGN;
