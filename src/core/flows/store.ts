// The flows of a session: bounded, in order of arrival, a later version of a flow replaces the earlier. Totals survive what
// is dropped and what is cleared.
import { Emitter } from '../base/event';
import type { Flow } from './flow';

export interface FlowTotals {
  readonly seen: number;
  readonly blocked: number;
  readonly injected: number;
}

export class FlowStore {
  readonly #flows = new Map<number, Flow>();
  readonly #changed = new Emitter<void>();
  readonly onDidChange = this.#changed.event;
  #totals = { seen: 0, blocked: 0, injected: 0 };

  /** At most `limit` flows are kept. */
  constructor(private readonly limit: number) {}

  get totals(): FlowTotals {
    return { ...this.#totals };
  }

  /** Oldest first. */
  get flows(): readonly Flow[] {
    return [...this.#flows.values()];
  }

  get(id: number): Flow | undefined {
    return this.#flows.get(id);
  }

  add(flows: readonly Flow[]): void {
    for (const flow of flows) {
      const old = this.#flows.get(flow.id);
      if (!old) this.#totals.seen++;
      if (flow.outcome === 'blocked' && old?.outcome !== 'blocked') this.#totals.blocked++;
      if (flow.injected.length > 0 && (old?.injected.length ?? 0) === 0) this.#totals.injected++;
      this.#flows.set(flow.id, flow);
    }
    for (const id of this.#flows.keys()) {
      if (this.#flows.size <= this.limit) break;
      this.#flows.delete(id);
    }
    this.#changed.fire();
  }

  clear(): void {
    this.#flows.clear();
    this.#changed.fire();
  }
}
