// URLs and host names in any text, for the lightbulb. Cautious: a file name or a property of an object is not a host.
import { canonicalHost, splitAuthority } from '../base/host';

export interface FoundHost {
  /** Canonical. */
  readonly host: string;
  /** Span in the text (UTF-16 units): the whole URL, or the name. */
  readonly start: number;
  readonly end: number;
}

/** What follows the host must end it: `https://api.${region}.example` names none. */
const URL =
  /\b(?:https?|wss?):\/\/(?:[^\s/?#@"'`<>()[\]{}|\\^]*@)?([\w.\-\u0080-\uffff]+|\[[0-9a-f:.]+\])(?![\w.\-\u0080-\uffff$%{@])(?::\d{1,5})?(?:[/?#][^\s"'`<>()[\]{}|\\^]*)?/gi;
const ADDRESS = /(?<![\w.@-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\w)/g;
const NAME = /(?<![\w./-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z][a-z0-9-]{0,22}[a-z0-9])(?![\w(-]|\.\w)/gi;
/** Top-level domains that are hardly ever the end of a file name or the name of a property. */
const PLAIN = words(
  'com net org io ai cloud co gov edu xyz gg example invalid onion de uk eu fr nl ch jp cn br ru au se es pl dk fi kr',
);
/** These are: they count only in quotes of their own. */
const QUOTED = words(
  'dev app sh info me in us ca at it is be no to tv so site online tech store local internal test host',
);

/** Every host in a text, in order, without overlaps. */
export function findHosts(text: string): FoundHost[] {
  const found: FoundHost[] = [];
  const add = (raw: string, start: number, end: number) => {
    if (found.some((other) => start < other.end && other.start < end)) return;
    const split = splitAuthority(raw.replace(/\.$/, ''));
    const host = split.ok ? canonicalHost(split.value.host) : undefined;
    if (host?.ok) found.push({ host: host.value.host, start, end });
  };
  for (const match of text.matchAll(URL)) add(match[1]!, match.index, match.index + match[0].length);
  for (const match of text.matchAll(ADDRESS)) add(match[0], match.index, match.index + match[0].length);
  for (const match of text.matchAll(NAME)) {
    const end = match.index + match[0].length;
    const before = text[match.index - 1];
    // `git@github.com:owner/name` names a host, `someone@example.com` a person.
    if (before === '@' && text[end] !== ':') continue;
    const last = match[1]!.toLowerCase();
    if (PLAIN.has(last) || (QUOTED.has(last) && isQuoted(before, text[end]))) add(match[0], match.index, end);
  }
  return found.sort((a, b) => a.start - b.start);
}

const isQuoted = (before: string | undefined, after: string | undefined) =>
  before !== undefined && after !== undefined && '"\'`'.includes(before) && '"\'`:/'.includes(after);

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
