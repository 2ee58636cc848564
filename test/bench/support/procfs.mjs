// CPU, memory and listening ports of process trees, from /proc. Where there is no /proc, figures are NaN and lists undefined.
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';

export const hasProcfs = existsSync('/proc/self/stat');
const TICKS_PER_SECOND = 100; // USER_HZ, the same on every Linux

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // the process has ended meanwhile
  }
}

function stat(pid) {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const seconds = (index) => Number(fields[index]) / TICKS_PER_SECOND;
  return { parent: Number(fields[1]), own: seconds(11) + seconds(12), reaped: seconds(13) + seconds(14) };
}

/** A process and its living descendants. */
export function processTree(pid) {
  if (!hasProcfs) return [pid];
  const children = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = stat(entry)?.parent;
    if (parent === undefined) continue;
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = [];
  for (const todo = [pid]; todo.length > 0;) {
    const next = todo.pop();
    found.push(next);
    todo.push(...(children.get(next) ?? []));
  }
  return found;
}

/** User and system time of a tree, with what its ended children took. */
export function cpuSeconds(pid) {
  if (!hasProcfs) return NaN;
  return processTree(pid).reduce((sum, member) => {
    const times = stat(member);
    return times ? sum + times.own + times.reaped : sum;
  }, 0);
}

/** Busy seconds of all cores since boot, what the hypervisor took from us included. */
export function machineBusySeconds() {
  const line = read('/proc/stat')?.split('\n')[0];
  if (line === undefined) return NaN;
  const [user, nice, system, , , irq, softIrq, stolen] = line.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softIrq + (stolen ?? 0)) / TICKS_PER_SECOND;
}

const sizeField = (pid, name) => {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`) ?? '');
  return match ? Number(match[1]) * 1024 : 0;
};
const sumOverTree = (pid, name) =>
  hasProcfs ? processTree(pid).reduce((sum, member) => sum + sizeField(member, name), 0) : NaN;
export const residentBytes = (pid) => sumOverTree(pid, 'VmRSS');
export const peakResidentBytes = (pid) => sumOverTree(pid, 'VmHWM');

/** Lets the peak begin anew. */
export function resetPeak(pid) {
  for (const member of processTree(pid)) {
    try {
      writeFileSync(`/proc/${member}/clear_refs`, '5');
    } catch {
      // not ours to reset: the peak since its start is then reported
    }
  }
}

/** TCP ports on which a tree listens. Undefined where /proc does not say. */
export function listeningPorts(pid) {
  if (!hasProcfs) return undefined;
  const sockets = new Set();
  for (const member of processTree(pid)) {
    let descriptors;
    try {
      descriptors = readdirSync(`/proc/${member}/fd`);
    } catch {
      return undefined;
    }
    for (const descriptor of descriptors) {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${member}/fd/${descriptor}`))?.[1];
        if (inode !== undefined) sockets.add(inode);
      } catch {
        // closed meanwhile
      }
    }
  }
  const LISTEN = '0A';
  const ports = new Set();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (read(file) ?? '').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === LISTEN && sockets.has(fields[9])) ports.add(parseInt(fields[1].split(':')[1], 16));
    }
  }
  return [...ports];
}
