// The ways in that ask for a connection, HTTP CONNECT and SOCKS5: what each says when it opened and when it is refused. What
// happens in between is the same for both.
import type net from 'node:net';
import type { LocalAnswer } from '../engine';
import { errorAnswer } from './errors';

/** Why no connection is opened. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface Door {
  /** Said before the first byte of the connection. */
  opened(socket: net.Socket): void;
  /** Says why and ends the connection. */
  refuse(socket: net.Socket, refusal: Refusal): void;
  /** Says what the handlers answer and ends the connection. */
  answer(socket: net.Socket, answer: LocalAnswer): void;
}

const LINGER_MS = 2_000;

/** Ends in order (after the words, if any), and reads and drops for a moment, so that the words arrive before a reset can. */
export function endWith(socket: net.Socket, words?: string | Buffer): void {
  if (socket.destroyed) return;
  if (words === undefined) socket.end();
  else socket.end(words);
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** A reset where the socket can send one (TCP without TLS), so that the other side sees a break and not an end. */
export function breakOff(socket: net.Socket): void {
  if ('encrypted' in socket || socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

export const httpDoor: Door = {
  opened: (socket) => socket.write('HTTP/1.1 200 Connection Established\r\n\r\n'),
  refuse: (socket, { status, code, message }) => httpDoor.answer(socket, errorAnswer(status, code, message)),
  answer(socket, answer) {
    let head = `HTTP/1.1 ${answer.status} ${answer.reason}\r\n`;
    for (const [name, value] of answer.headers) head += `${name}: ${value}\r\n`;
    const body = `content-length: ${Buffer.byteLength(answer.body)}\r\nconnection: close\r\n\r\n${answer.body}`;
    endWith(socket, head + body);
  },
};
