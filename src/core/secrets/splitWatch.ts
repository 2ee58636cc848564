// Finds a value that leaves in pieces: over the parameters or headers of one request, or over requests to one host. Follows, for
// each host, how far the pieces seen so far spell a value from its beginning, each piece going on exactly where the last one
// ended. Bounded memory; it keeps no piece, only places in values. A whole value in one piece is detect.ts's to find.
import type { Detected } from './detect';
import { encodedForms, toLatin1 } from './encodings';
import type { BoundSecret } from './types';

export interface SplitWatch {
  /** One request: `key` is its host, `parts` its varying parts, decoded, in order. */
  note(key: string, parts: readonly string[]): readonly Detected[];
}

/** As in detect.ts. */
const MIN_BYTES = 12;
/** Shorter pieces turn up by chance. */
const MIN_PIECE = 3;
/** A first piece may have had something before it, as base64 of a longer text has: so many characters may be missing. */
const MAX_MISSING = 6;
/** So much of a value must have gone, and so much of it that its dummy does not have. */
const ENOUGH = 0.75;
const ENOUGH_OWN = 8;
/** A piece is waited for during so many requests to its host. */
const WINDOW = 64;
const MAX_HOSTS = 256;
/** Followed at a time for one host; the oldest gives way. */
const MAX_TRACKS = 256;
/** Looked at of one part, and of one request, in characters. */
const MAX_PART = 64 * 1024;

interface Target {
  readonly secret: string;
  readonly text: string;
  /** So many characters are needed. */
  readonly enough: number;
}

/** How far a target has been spelled. */
interface Track {
  readonly target: Target;
  at: number;
  /** The request that brought it so far. */
  request: number;
}

/** By their first characters: where pieces may begin to spell a target. */
type Beginnings = Map<string, { readonly target: Target; readonly at: number }[]>;

interface Host {
  request: number;
  readonly tracks: Track[];
}

export function createSplitWatch(secrets: readonly BoundSecret[]): SplitWatch {
  const dummies = secrets.map(({ dummy }) => dummy);
  const targets = secrets.flatMap((secret) =>
    toLatin1(secret.value).length < MIN_BYTES || dummies.some((dummy) => dummy.includes(secret.value))
      ? []
      : targetsOf(secret),
  );
  const beginnings: Beginnings = new Map();
  /** By a hash of the first characters of a piece: whether one may begin so. Nearly every place says no. */
  const mayBegin = new Uint8Array(SLOTS);
  for (const target of targets)
    for (let at = 0; at <= MAX_MISSING; at++) {
      const start = target.text.slice(at, at + MIN_PIECE);
      if (start.length === MIN_PIECE) mayBegin[slotAt(start, 0)] = 1;
      const alike = beginnings.get(start);
      if (alike) alike.push({ target, at });
      else beginnings.set(start, [{ target, at }]);
    }
  const hosts = new Map<string, Host>();
  return {
    note(key, parts) {
      if (targets.length === 0) return [];
      const host = hosts.get(key) ?? { request: 0, tracks: [] };
      // The one used last stays longest.
      hosts.delete(key);
      hosts.set(key, host);
      if (hosts.size > MAX_HOSTS) hosts.delete(hosts.keys().next().value!);
      host.request++;
      const found = new Map<string, Detected>();
      for (const part of parts) follow(host, part.slice(0, MAX_PART), { beginnings, mayBegin }, found);
      expire(host);
      return [...found.values()];
    },
  };
}

/** The forms in which values are cut up: plain, hex, base64 of the value and of something that holds it. */
function targetsOf({ name, value, dummy }: BoundSecret): Target[] {
  const seen = new Set<string>();
  return encodedForms(value, dummy).flatMap(([text, put, form]) => {
    if (!['plain', 'hex', 'base64'].includes(form) || (form === 'hex' && /[^0-9A-Fa-f]/.test(text))) return [];
    // Of two that differ at the end only, the longer one.
    const start = text.slice(0, -1);
    if (seen.has(start)) return [];
    seen.add(start);
    seen.add(text);
    let alike = 0;
    while (alike < text.length && text[alike] === put[alike]) alike++;
    const enough = Math.max(Math.ceil(text.length * ENOUGH), Math.min(text.length, alike + ENOUGH_OWN));
    return [{ secret: name, text, enough }];
  });
}

const WORD = /[A-Za-z0-9+/_=~.%!@$^*#-]+/g;
const TOKEN = /[A-Za-z0-9]+/g;

interface Index {
  readonly beginnings: Beginnings;
  readonly mayBegin: Uint8Array;
}

const SLOTS = 65_536;
const slotAt = (text: string, at: number) =>
  (text.charCodeAt(at) * 4_099 + text.charCodeAt(at + 1) * 67 + text.charCodeAt(at + 2)) & (SLOTS - 1);

function follow(host: Host, part: string, { beginnings, mayBegin }: Index, found: Map<string, Detected>) {
  const tried = new Set<number>();
  // From the beginning of the part, of each word and of each token in it, and to the end of the part.
  const places = [0];
  for (const pattern of [WORD, TOKEN]) for (const match of part.matchAll(pattern)) places.push(match.index);
  places.sort((a, b) => a - b);
  for (const place of places) {
    if (tried.has(place) || part.length - place < MIN_PIECE) continue;
    tried.add(place);
    if (host.tracks.length > 0) goOn(host, part, place, found);
    if (mayBegin[slotAt(part, place)] === 1) begin(host, part, place, beginnings, found);
  }
  // A first piece behind something that is not of the value.
  for (let place = Math.max(1, part.length - 64); place <= part.length - MIN_PIECE; place++)
    if (mayBegin[slotAt(part, place)] === 1 && !tried.has(place)) begin(host, part, place, beginnings, found);
}

/** The pieces that go on where one ended: to the end of a word, of the part, or of the value. */
function goOn(host: Host, part: string, place: number, found: Map<string, Detected>): void {
  for (const track of host.tracks) {
    const { text } = track.target;
    if (text[track.at] !== part[place]) continue;
    const length = common(text, track.at, part, place);
    if (length < MIN_PIECE && track.at + length < text.length) continue;
    const end = place + length;
    if (!isBorder(part, end) && place > 0 && track.at + length < text.length) continue;
    track.at += length;
    track.request = host.request;
    settle(host, track, found);
  }
}

function begin(host: Host, part: string, place: number, beginnings: Beginnings, found: Map<string, Detected>): void {
  for (const { target, at } of beginnings.get(part.slice(place, place + MIN_PIECE)) ?? []) {
    const length = common(target.text, at, part, place);
    if (!isBorder(part, place + length) || length >= target.text.length) continue;
    // Said again, a beginning brings nothing.
    if (host.tracks.some((track) => track.target === target && track.at === at + length)) continue;
    const track = { target, at: at + length, request: host.request };
    host.tracks.push(track);
    if (host.tracks.length > MAX_TRACKS) host.tracks.shift();
    settle(host, track, found);
  }
}

function settle(host: Host, track: Track, found: Map<string, Detected>): void {
  const { secret, enough } = track.target;
  if (track.at < enough) return;
  found.set(secret, { secret, form: 'split' });
  for (let i = host.tracks.length - 1; i >= 0; i--)
    if (host.tracks[i]!.target.secret === secret && host.tracks[i] !== track) host.tracks.splice(i, 1);
  track.at = 0;
  track.request = -WINDOW;
}

function expire(host: Host): void {
  for (let i = host.tracks.length - 1; i >= 0; i--)
    if (host.request - host.tracks[i]!.request >= WINDOW) host.tracks.splice(i, 1);
}

function common(text: string, at: number, part: string, place: number): number {
  let length = 0;
  while (at + length < text.length && place + length < part.length && text[at + length] === part[place + length])
    length++;
  return length;
}

/** The end of the part, or of a token in it. */
function isBorder(part: string, end: number): boolean {
  return end >= part.length || !/[A-Za-z0-9]/.test(part[end]!) || !/[A-Za-z0-9]/.test(part[end - 1]!);
}
