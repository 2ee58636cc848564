// Flows by host, for the tree: hosts in order of first sight, so that the tree does not jump; newest flow first in each.
import type { Flow } from './flow';

export interface HostGroup {
  readonly host: string;
  readonly flows: readonly Flow[];
  readonly blocked: number;
  readonly injected: number;
}

export function groupByHost(flows: readonly Flow[]): HostGroup[] {
  const groups = new Map<string, Flow[]>();
  for (const flow of flows) {
    const list = groups.get(flow.host);
    if (list) list.push(flow);
    else groups.set(flow.host, [flow]);
  }
  return [...groups].map(([host, list]) => ({
    host,
    flows: list.reverse(),
    blocked: list.filter(({ outcome }) => outcome === 'blocked').length,
    injected: list.filter(({ injected }) => injected.length > 0).length,
  }));
}
