// A process that takes a lock many times and checks with a file of its own that nobody else holds it. Built and forked by the
// lock tests. argv: lock file, guard file, times, and the turn at which it kills itself while it holds the lock (0: never).
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Lock, takeLock } from '../../src/host/lock';

const [lockFile, guard, times, fatal] = process.argv.slice(2) as [string, string, string, string];

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether a living process had not left yet. */
function enter(): boolean {
  try {
    writeFileSync(guard, String(process.pid), { flag: 'wx' });
    return false;
  } catch {
    const other = Number(readFileSync(guard, 'utf8'));
    writeFileSync(guard, String(process.pid));
    return other !== process.pid && isRunning(other);
  }
}

/** Without a pause: the more often, the more races. */
async function take(): Promise<Lock> {
  for (;;) {
    const taken = await takeLock(lockFile, 'a test');
    if ('lock' in taken) return taken.lock;
  }
}

async function main(): Promise<void> {
  let overlaps = 0;
  for (let turn = 1; turn <= Number(times); turn++) {
    const lock = await take();
    if (enter()) overlaps++;
    if (turn === Number(fatal)) process.kill(process.pid, 'SIGKILL');
    await new Promise((resolve) => setImmediate(resolve));
    if (readFileSync(guard, 'utf8') !== String(process.pid)) overlaps++;
    rmSync(guard, { force: true });
    await lock.release();
  }
  process.stdout.write(`overlaps ${overlaps}\n`);
}

void main();
