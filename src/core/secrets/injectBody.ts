// Puts a real value into the field of a request body that a bound host reads its credential from (places `body:…`), and nowhere
// else in it: a dummy in a commit message or a prompt stays a dummy. Once per bound place. No value goes into a finding.
import { concat, fromBinary } from '../base/bytes';
import { compileHosts } from '../policy/hosts';
import { readFields } from './bodyFields';
import { toLatin1 } from './encodings';
import type { BoundSecret, Finding, FindingKind } from './types';

export interface BodyTarget {
  /** Canonical (core/base/host). */
  readonly host: string;
  /** Why no value may go there; undefined: it may. */
  readonly unsafe: Extract<FindingKind, 'dummy-cleartext' | 'dummy-unverified'> | undefined;
}

export interface BodyInjectionResult {
  /** The given array itself where nothing changed. */
  readonly bytes: Uint8Array;
  readonly injected: readonly string[];
  /** Where: `body:…`, one for each of `injected`, as far as a secret was put in once. */
  readonly places: readonly string[];
  /** One with the action `blocked`: the request must not go out, and `bytes` is as given. */
  readonly findings: readonly Finding[];
  /** Other credentials in the fields that the host reads them from. Texts in latin1, one char a byte. */
  readonly others: readonly { readonly secret: string; readonly place: string; readonly text: string }[];
}

export interface BodyInjection {
  /** Whether a secret that is bound to the host is read from bodies. */
  reads(host: string): boolean;
  inject(target: BodyTarget, contentType: string | undefined, bytes: Uint8Array): BodyInjectionResult;
}

const PREFIX = 'body:';
/** As for heads (credentials.ts). */
const MIN_LENGTH = 8;

export function compileBodyInjection(secrets: readonly BoundSecret[]): BodyInjection {
  const bound = secrets
    .filter(({ dummy, in: places }) => dummy !== '' && places.some((place) => place.startsWith(PREFIX)))
    .map((secret) => ({
      secret,
      dummy: toLatin1(secret.dummy),
      boundTo: compileHosts(secret.hosts),
      names: new Set(
        secret.in.flatMap((place) => (place.startsWith(PREFIX) ? [toLatin1(place.slice(PREFIX.length))] : [])),
      ),
    }));
  return {
    reads: (host) => bound.some(({ boundTo }) => boundTo(host)),
    inject({ host, unsafe }, contentType, bytes) {
      const here = bound.filter(({ boundTo }) => boundTo(host));
      const wanted = new Set(here.flatMap(({ names }) => [...names]));
      const read = here.length === 0 ? undefined : readFields(contentType, bytes, wanted);
      const others: { secret: string; place: string; text: string }[] = [];
      const nothing = { bytes, injected: [], places: [], findings: [], others };
      if (!read) return nothing;
      const injected = new Set<string>();
      const served = new Set<string>();
      const places: string[] = [];
      const findings: Finding[] = [];
      const out: Uint8Array[] = [];
      let at = 0;
      for (const { name, value, from, to } of read.fields) {
        const entry = here.find(({ dummy, names }) => dummy === value && names.has(name));
        if (!entry) {
          const reader = here.find(({ names }) => names.has(name));
          const managed = here.some(({ secret, dummy }) => value === dummy || value === toLatin1(secret.value));
          if (reader && !managed && value.length >= MIN_LENGTH)
            others.push({ secret: reader.secret.name, place: `${PREFIX}${name}`, text: value });
          continue;
        }
        const { secret } = entry;
        const place = `${PREFIX}${name}`;
        const real = read.encode(secret.value);
        const key = `${secret.name} ${place}`;
        if (real === undefined || served.has(key)) {
          findings.push({ kind: 'dummy-elsewhere', secret: secret.name, place, action: 'marked' });
          continue;
        }
        if (unsafe) {
          findings.push({ kind: unsafe, secret: secret.name, place, action: 'blocked' });
          return { ...nothing, findings };
        }
        out.push(bytes.subarray(at, from), fromBinary(real));
        at = to;
        served.add(key);
        places.push(place);
        injected.add(secret.name);
      }
      if (injected.size === 0) return { ...nothing, findings };
      const changed = concat([...out, bytes.subarray(at)]);
      return { bytes: changed, injected: [...injected], places, findings, others };
    },
  };
}
