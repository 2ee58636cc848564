// The lock between real processes: one holder at a time, whatever dies while it holds.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lockOwner, takeLock } from '../../src/host/lock';
import { type Bundle, bundle } from '../support/bundle';

let holder: Bundle;
let directory: string;
beforeAll(async () => {
  holder = await bundle('lockHolder');
});
afterAll(() => holder.remove());
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'sandbox-agent-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function contend(times: number, fatal: number): Promise<{ out: string; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [holder.script, path.join(directory, 'x.lock'), path.join(directory, 'guard'), String(times), String(fatal)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let out = '';
    child.stdout.on('data', (text: Buffer) => (out += text.toString('utf8')));
    child.on('close', (_, signal) => resolve({ out, signal }));
  });
}

describe('several processes', () => {
  it('hold the lock one at a time, also when holders are killed', async () => {
    const steady = Array.from({ length: 4 }, () => contend(250, 0));
    // One after the other, each dies with the lock in its hands while the others want it.
    for (let i = 0; i < 8; i++) expect((await contend(3, 2)).signal).toBe('SIGKILL');
    for (const { out } of await Promise.all(steady)) expect(out).toBe('overlaps 0\n');
    expect(readdirSync(directory).filter((name) => name !== 'guard')).toEqual([]);
  }, 120_000);
});

describe('takeLock', () => {
  const file = () => path.join(directory, 'x.lock');

  it('names a living owner and takes over from a dead one', async () => {
    const first = await takeLock(file(), 'first');
    expect(await takeLock(file(), 'second')).toMatchObject({ owner: { pid: process.pid, what: 'first' } });
    expect(await lockOwner(file())).toMatchObject({ what: 'first' });
    if ('lock' in first) await first.lock.release();
    expect(await lockOwner(file())).toBeUndefined();
    // Process 1 lives, but did not start at tick 1.
    writeFileSync(file(), JSON.stringify({ pid: 1, started: 1, what: 'dead' }));
    expect(await lockOwner(file())).toBeUndefined();
    expect('lock' in (await takeLock(file(), 'third'))).toBe(true);
    expect(readFileSync(file(), 'utf8')).toContain('third');
  });

  it('takes over a file that a crash left empty, and gives back only its own', async () => {
    writeFileSync(file(), '');
    utimesSync(file(), 1, 1);
    const taken = await takeLock(file(), 'me');
    expect('lock' in taken).toBe(true);
    writeFileSync(file(), JSON.stringify({ pid: process.pid, started: 0, what: 'another', nonce: 'n' }));
    if ('lock' in taken) await taken.lock.release();
    expect(existsSync(file())).toBe(true);
  });
});
