// URLs and host names in any text, for the lightbulb. Cautious: a file name is not a host.
import { canonicalHost, splitAuthority } from '../base/host';

export interface FoundHost {
  /** Canonical. */
  readonly host: string;
  /** Span in the text, UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

const URL =
  /\b(?:https?|wss?):\/\/(?:[^\s/?#@"'`<>()[\]{}|\\^]*@)?([A-Za-z0-9.\-_\u0080-\uffff]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?#][^\s"'`<>()[\]{}|\\^]*)?/g;
/** A bare name counts only with a top-level domain that is no common file ending. */
const NAME =
  /(?<![\w@./-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+(?:com|net|org|io|dev|ai|app|cloud|co|info|me|sh|gg|xyz|site|online|tech|example|test|local|internal|de|uk|eu|fr|nl|ch|at|jp|cn|in|br|ru|us|ca|au)(?![\w-]|\.\w)/gi;

/** Every host in a text, URLs first, without overlaps. */
export function findHosts(text: string): FoundHost[] {
  const found: FoundHost[] = [];
  const add = (raw: string, start: number, end: number) => {
    const split = splitAuthority(raw.replace(/\.$/, ''));
    const host = split.ok ? canonicalHost(split.value.host) : undefined;
    if (host?.ok && !found.some((other) => start < other.end && other.start < end))
      found.push({ host: host.value.host, start, end });
  };
  for (const match of text.matchAll(URL)) add(match[1]!, match.index, match.index + match[0].length);
  for (const match of text.matchAll(NAME)) add(match[0], match.index, match.index + match[0].length);
  return found.sort((a, b) => a.start - b.start);
}
