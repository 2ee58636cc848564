// What a person must hear of: a stand-in on its way to where it does not belong, a real value on its way out, a credential of
// somebody else. Each once, however often it is tried and in how many batches its flow comes. It decides nothing on the wire.
import { Emitter } from '../base/event';
import type { Finding, FindingKind } from '../secrets/types';
import type { Flow } from './flow';

export interface Alarm {
  /** The same for every repetition. */
  readonly key: string;
  readonly finding: Finding;
  /** The first flow that it was seen in, as it is by now: kept also when the list of flows has dropped it. */
  readonly flow: Flow;
  /** Somebody looked at it, or answered it. */
  readonly seen: boolean;
}

/** Who floods us with made-up hosts fills no memory; what is beyond that is in the flows all the same. */
const MAX_ALARMS = 500;
const MAX_KEYS = 20_000;

/** A stand-in towards a model API is only `marked`: the agent talks about the file that it read. */
const ACTIONS: Readonly<Partial<Record<FindingKind, readonly Finding['action'][]>>> = {
  'dummy-unbound': ['blocked'],
  'foreign-credential': ['blocked'],
  'real-value': ['blocked', 'masked'],
};

export const isAlarm = ({ kind, action }: Finding): boolean => ACTIONS[kind]?.includes(action) === true;

/** Of a host and a secret; of a host and a credential where it is somebody else's. */
export function alarmKey({ host }: Pick<Flow, 'host'>, { kind, secret, credential }: Finding): string {
  return `${kind}\n${host}\n${credential ?? secret}`;
}

export class AlarmLog {
  readonly #alarms = new Map<string, Alarm>();
  readonly #told = new Set<string>();
  readonly #raised = new Emitter<Alarm>();
  readonly #changed = new Emitter<void>();
  /** Once for each key. */
  readonly onDidRaise = this.#raised.event;
  readonly onDidChange = this.#changed.event;

  /** Newest first. */
  get all(): readonly Alarm[] {
    return [...this.#alarms.values()].reverse();
  }

  get unseen(): number {
    let count = 0;
    for (const { seen } of this.#alarms.values()) if (!seen) count++;
    return count;
  }

  /** The flow of an alarm, by its id. */
  flow(id: number): Flow | undefined {
    for (const { flow } of this.#alarms.values()) if (flow.id === id) return flow;
    return undefined;
  }

  take(flows: readonly Flow[]): void {
    for (const flow of flows) for (const finding of flow.findings) if (isAlarm(finding)) this.#take(flow, finding);
  }

  #take(flow: Flow, finding: Finding): void {
    const key = alarmKey(flow, finding);
    const old = this.#alarms.get(key);
    if (old?.flow.id === flow.id) this.#alarms.set(key, { ...old, flow });
    if (this.#told.has(key)) return;
    this.#told.add(key);
    // Rather told twice than not at all.
    for (const oldest of this.#told) {
      if (this.#told.size <= MAX_KEYS) break;
      this.#told.delete(oldest);
    }
    this.#alarms.delete(key);
    const alarm: Alarm = { key, finding, flow, seen: false };
    this.#alarms.set(key, alarm);
    for (const oldest of this.#alarms.keys()) {
      if (this.#alarms.size <= MAX_ALARMS) break;
      this.#alarms.delete(oldest);
    }
    this.#raised.fire(alarm);
    this.#changed.fire();
  }

  /** Of one flow, or all of them. */
  markSeen(flowId?: number): void {
    let changed = false;
    for (const [key, alarm] of this.#alarms) {
      if (alarm.seen || (flowId !== undefined && alarm.flow.id !== flowId)) continue;
      this.#alarms.set(key, { ...alarm, seen: true });
      changed = true;
    }
    if (changed) this.#changed.fire();
  }

  /** What was decided was taken back: the next time it is told again. */
  forget(matches: (alarm: Alarm) => boolean): void {
    for (const alarm of this.#alarms.values()) if (matches(alarm)) this.#told.delete(alarm.key);
  }
}
