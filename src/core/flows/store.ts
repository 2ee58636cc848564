// The flows of a session: bounded, in order of arrival, a later version of a flow replaces the earlier. Totals survive what
// is dropped and what is cleared. A proxy that was started again counts from 1 again: its flows are never taken for old ones.
import { Emitter } from '../base/event';
import type { Flow } from './flow';

export interface FlowTotals {
  readonly seen: number;
  readonly blocked: number;
  readonly injected: number;
}

export class FlowStore {
  readonly #flows = new Map<number, Flow>();
  /** Flows that were dropped before they were over: what becomes of them still counts. */
  readonly #dropped = new Map<number, Flow>();
  readonly #changed = new Emitter<void>();
  readonly onDidChange = this.#changed.event;
  #totals = { seen: 0, blocked: 0, injected: 0 };
  #newest: Flow | undefined;
  /** What makes the ids of the present proxy process unique in this store. */
  #offset = 0;

  /** At most `limit` flows are kept. */
  constructor(private readonly limit: number) {}

  get totals(): FlowTotals {
    return { ...this.#totals };
  }

  /** Oldest first. */
  get flows(): readonly Flow[] {
    return [...this.#flows.values()];
  }

  /** By the id that the flow has here: see `flows`. */
  get(id: number): Flow | undefined {
    return this.#flows.get(id);
  }

  add(flows: readonly Flow[]): void {
    for (const flow of flows) this.#add(flow);
    for (const [id, flow] of this.#flows) {
      if (this.#flows.size <= this.limit) break;
      this.#drop(id, flow);
    }
    this.#changed.fire();
  }

  /** Empties the list; the totals stay. */
  clear(): void {
    for (const [id, flow] of this.#flows) this.#drop(id, flow);
    this.#changed.fire();
  }

  #add(sent: Flow): void {
    if (this.#ofAnotherProcess(sent)) this.#offset = this.#newest!.id;
    const newest = this.#newest;
    const flow = this.#offset === 0 ? sent : { ...sent, id: sent.id + this.#offset };
    const isNew = newest === undefined || flow.id > newest.id;
    const old = this.#flows.get(flow.id) ?? this.#dropped.get(flow.id);
    if (!isNew && !old) return; // over and dropped: counted already
    if (isNew) this.#totals.seen++;
    if (flow.outcome === 'blocked' && old?.outcome !== 'blocked') this.#totals.blocked++;
    if (flow.injected.length > 0 && (old?.injected.length ?? 0) === 0) this.#totals.injected++;
    if (isNew || flow.id === newest.id) this.#newest = flow;
    if (isNew || this.#flows.has(flow.id)) this.#flows.set(flow.id, flow);
    else if (flow.outcome === 'open') this.#dropped.set(flow.id, flow);
    else this.#dropped.delete(flow.id);
  }

  /** Ids increase with time within a process: a low one that is not a later version of a known flow began anew. */
  #ofAnotherProcess({ id, startedAt }: Flow): boolean {
    const newest = this.#newest;
    if (!newest || id + this.#offset > newest.id) return false;
    const known = this.#flows.get(id + this.#offset) ?? this.#dropped.get(id + this.#offset);
    return known ? known.startedAt !== startedAt : startedAt > newest.startedAt;
  }

  #drop(id: number, flow: Flow): void {
    this.#flows.delete(id);
    if (flow.outcome === 'open') this.#dropped.set(id, flow);
    for (const oldest of this.#dropped.keys()) {
      if (this.#dropped.size <= this.limit) break;
      this.#dropped.delete(oldest);
    }
  }
}
