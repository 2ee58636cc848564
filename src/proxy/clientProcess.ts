// Which process of this machine is at the other end of a connection to our port (Linux: proc(5)). Looked up in the background
// and for many connections at once: it is for people who look at a flow, nothing waits for it and nothing is decided by it,
// except by `uidOf`, which a port without authentication asks before it serves anybody.
import { readFile, readdir, readlink } from 'node:fs/promises';
import os from 'node:os';
import { parseIpv6 } from '../core/base/address';
import type { ClientProcess } from '../core/flows/flow';
import type { Ends, Peer } from './engine';

class LookedUp implements Peer {
  process: ClientProcess | undefined;
  #waiting: (() => void)[] | undefined = [];

  whenFound(tell: () => void): void {
    this.#waiting?.push(tell);
  }

  settle(found: ClientProcess | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.process = found;
    if (found) for (const tell of waiting ?? []) tell();
  }
}

interface Entry {
  readonly inode: string;
  readonly uid: number;
}

/** As the table writes an end: each 32-bit word of the address in the order of this machine, in hex, and the port. */
function endOf(address: string, port: number): string {
  const words = parseIpv6(address);
  const bytes = words
    ? Buffer.from(words.flatMap((word) => [word >> 8, word & 255]))
    : Buffer.from(address.split('.').map(Number));
  if (os.endianness() === 'LE') bytes.swap32();
  return `${bytes.toString('hex')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}

/** The client's socket, whose local end is our remote one. Both addresses count: ports alone may be anybody's. */
const keyOf = ({ client, own }: Ends) => `${endOf(client.host, client.port)} ${endOf(own.host, own.port)}`;

/** Connections that come within this time are looked up together. */
const BATCH_MS = 15;
/** A table with more rows than this is not worth its reading. */
const MAX_TABLE_BYTES = 4 * 1024 * 1024;

export class ClientProcesses {
  readonly #waiting: { readonly ends: Ends; readonly peer: LookedUp }[] = [];
  /** Processes that were found lately, newest last: the next connection is likely of one of them. */
  readonly #recent = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  /** `proc`: where the proc file system is. */
  constructor(private readonly proc = '/proc') {}

  find(ends: Ends): Peer {
    const peer = new LookedUp();
    if (process.platform !== 'linux') {
      peer.settle(undefined);
      return peer;
    }
    this.#waiting.push({ ends, peer });
    if (!this.#looking) this.#timer ??= setTimeout(() => void this.#look(), BATCH_MS).unref();
    return peer;
  }

  /** The user at the other end; undefined where the system does not say. */
  async uidOf(ends: Ends): Promise<number | undefined> {
    return (await this.#table()).get(keyOf(ends))?.uid;
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    this.#looking = true;
    try {
      while (this.#waiting.length > 0) {
        const wanted = this.#waiting.splice(0);
        const table = await this.#table();
        const byInode = new Map<string, LookedUp>();
        for (const { ends, peer } of wanted) {
          const entry = table.get(keyOf(ends));
          if (entry && entry.inode !== '0') byInode.set(entry.inode, peer);
          else peer.settle(undefined);
        }
        if (byInode.size > 0) await this.#owners(byInode);
        for (const peer of byInode.values()) peer.settle(undefined);
      }
    } catch {
      // No proc file system, or none that we may read: flows show no process.
    }
    this.#looking = false;
  }

  /** Sockets by both of their ends. */
  async #table(): Promise<Map<string, Entry>> {
    const found = new Map<string, Entry>();
    for (const name of ['tcp', 'tcp6']) {
      const text = await readFile(`${this.proc}/net/${name}`, 'latin1').catch(() => '');
      if (text.length > MAX_TABLE_BYTES) continue;
      // sl local:port remote:port st tx:rx tr:tm retrnsmt uid timeout inode …
      const row = /^ *\d+: ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) \S+ \S+ \S+ \S+ +(\d+) +\d+ (\d+)/gm;
      // A socket of both families names an IPv4 address as a mapped one.
      const plain = text.replace(/\b0{16}(?:FFFF0000|0000FFFF)(?=[0-9A-F]{8}:)/g, '');
      for (const [, local, remote, uid, inode] of plain.matchAll(row))
        found.set(`${local!} ${remote!}`, { inode: inode!, uid: Number(uid) });
    }
    return found;
  }

  async #owners(byInode: Map<string, LookedUp>): Promise<void> {
    const recent = [...this.#recent.keys()].reverse().map(String);
    for (const pid of recent) if (byInode.size > 0) await this.#own(pid, byInode);
    if (byInode.size === 0) return;
    const all = (await readdir(this.proc)).filter((name) => /^\d+$/.test(name) && !recent.includes(name));
    // The newest first: agents start the programs that connect.
    for (const pid of all.sort((a, b) => Number(b) - Number(a))) {
      if (byInode.size === 0) return;
      await this.#own(pid, byInode);
    }
  }

  /** Takes out of `byInode` what the process holds. A process of another user, or one that ended, holds nothing. */
  async #own(pid: string, byInode: Map<string, LookedUp>): Promise<void> {
    if (Number(pid) === process.pid) return;
    const descriptors = await readdir(`${this.proc}/${pid}/fd`).catch(() => []);
    if (descriptors.length === 0) this.#recent.delete(Number(pid));
    for (const descriptor of descriptors) {
      const link = await readlink(`${this.proc}/${pid}/fd/${descriptor}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      const peer = inode === undefined ? undefined : byInode.get(inode);
      if (!peer) continue;
      byInode.delete(inode!);
      const name = await this.#name(pid);
      peer.settle(name === undefined ? undefined : { pid: Number(pid), name });
      if (name === undefined) continue;
      this.#recent.delete(Number(pid));
      this.#recent.set(Number(pid), name);
      if (this.#recent.size > 16) this.#recent.delete(this.#recent.keys().next().value!);
      if (byInode.size === 0) return;
    }
  }

  /** `comm`, at most 15 bytes (proc(5)): never the command line, which may hold a secret. */
  async #name(pid: string): Promise<string | undefined> {
    const text = await readFile(`${this.proc}/${pid}/comm`, 'utf8').catch(() => undefined);
    return text?.trim().replace(/[\x00-\x1f\x7f]/g, '?');
  }
}
