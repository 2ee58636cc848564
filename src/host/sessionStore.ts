// Tokens and port of a folder's proxy: they survive a reload, so that a running agent finds the same proxy again.
import { randomBytes } from 'node:crypto';
import { readIfThere, writeFileAtomic } from '../files/atomicFile';
import type { Level } from './api';

/** One token each: a label cannot be claimed by another agent. */
export const LABELS = ['claude', 'codex', 'gemini', 'terminal', 'other'] as const;

export interface Stored {
  /** 0: none yet. */
  readonly port: number;
  /** For another process that asks how this folder is served. */
  readonly level?: Level;
  readonly tokens: Readonly<Record<string, string>>;
}

/** A damaged file costs running agents a restart, nothing else. */
export async function readStored(file: string): Promise<Stored> {
  const text = (await readIfThere(file))?.toString('utf8');
  let stored: Partial<Stored> | null = null;
  try {
    stored = JSON.parse(text ?? 'null') as Partial<Stored> | null;
  } catch {
    // As if there were none.
  }
  const tokens = Object.fromEntries(
    LABELS.map((label) => [label, stored?.tokens?.[label] ?? randomBytes(24).toString('base64url')]),
  );
  return {
    port: Number.isInteger(stored?.port) ? stored!.port! : 0,
    tokens,
    ...(stored?.level === 'routed' || stored?.level === 'confined commands' ? { level: stored.level } : {}),
  };
}

export async function writeStored(file: string, stored: Stored): Promise<void> {
  await writeFileAtomic(file, JSON.stringify(stored), { mode: 0o600 });
}
