// The places of a request where a form may stand, each as arguments of curl's configuration. Undefined: it cannot stand there.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

export interface Place {
  readonly name: string;
  /** A masked value may go on from here: bodies. In a head nothing is masked. */
  readonly masks: boolean;
  /** Lines of a curl configuration beside the URL; `url` is what follows the origin. */
  readonly arrange: (form: string | Buffer, file: (content: string | Buffer) => string) => Arranged | undefined;
}

export interface Arranged {
  readonly url: string;
  readonly lines: readonly string[];
}

const quote = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
/** What may stand in a field as it is. */
const line = (form: string | Buffer) => (typeof form === 'string' && !/[\r\n]/.test(form) ? form : undefined);
/** What a URL takes as it is: other characters would be escaped, which is a form of its own. */
const inUrl = (form: string | Buffer) => {
  const text = line(form);
  return text !== undefined && /^[A-Za-z0-9._~!$&'()*+,;=:@%/-]+$/.test(text) ? text : undefined;
};
const header = (name: string) => (form: string | Buffer) => {
  const text = line(form);
  return text === undefined ? undefined : { url: '/', lines: [`header = ${quote(`${name}: ${text}`)}`] };
};
const body =
  (type: string, wrap: (form: string | Buffer) => string | Buffer | undefined, more: readonly string[] = []) =>
  (form: string | Buffer, file: (content: string | Buffer) => string): Arranged | undefined => {
    const content = wrap(form);
    if (content === undefined) return undefined;
    return {
      url: '/',
      lines: [`data-binary = ${quote(`@${file(content)}`)}`, `header = ${quote(`Content-Type: ${type}`)}`, ...more],
    };
  };
const around = (before: string, after: string) => (form: string | Buffer) =>
  Buffer.concat([Buffer.from(before), Buffer.from(form), Buffer.from(after)]);
const text = (wrap: (form: string) => string) => (form: string | Buffer) =>
  typeof form === 'string' ? wrap(form) : undefined;

export const PLACES: readonly Place[] = [
  { name: 'a field', masks: false, arrange: header('X-Note') },
  { name: 'User-Agent', masks: false, arrange: header('User-Agent') },
  { name: 'Cookie', masks: false, arrange: header('Cookie') },
  {
    name: 'Basic',
    masks: false,
    arrange: (form) => {
      const user = line(form);
      const credentials = Buffer.from(`${user ?? ''}:x`).toString('base64');
      return user === undefined ? undefined : { url: '/', lines: [`header = "X-Auth: Basic ${credentials}"`] };
    },
  },
  {
    name: 'path',
    masks: false,
    arrange: (form) => {
      const segment = inUrl(form);
      return segment === undefined ? undefined : { url: `/a/${segment}/b`, lines: [] };
    },
  },
  {
    name: 'query',
    masks: false,
    arrange: (form) => {
      const value = inUrl(form);
      return value === undefined ? undefined : { url: `/?q=${value}&r=1`, lines: [] };
    },
  },
  { name: 'body', masks: true, arrange: body('text/plain', around('some text ', ' and more')) },
  {
    name: 'JSON',
    masks: true,
    arrange: body(
      'application/json',
      text((form) => `{"a":[1,"${form}"],"b":true}`),
    ),
  },
  {
    name: 'form',
    masks: true,
    arrange: body(
      'application/x-www-form-urlencoded',
      text((form) => `a=1&b=${form}&c=2`),
    ),
  },
  {
    name: 'multipart',
    masks: true,
    arrange: body(
      'multipart/form-data; boundary=B',
      around('--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n', '\r\n--B--\r\n'),
    ),
  },
  {
    name: 'gzip body',
    masks: true,
    arrange: body('text/plain', (form) => zlib.gzipSync(around('some text ', ' and more')(form)), [
      'header = "Content-Encoding: gzip"',
    ]),
  },
  {
    name: 'br body',
    masks: true,
    arrange: body('text/plain', (form) => zlib.brotliCompressSync(around('some text ', ' and more')(form)), [
      'header = "Content-Encoding: br"',
    ]),
  },
  {
    name: 'chunked',
    masks: true,
    arrange: body('text/plain', around('some text ', ' and more'), ['header = "Transfer-Encoding: chunked"']),
  },
  {
    name: 'HTTP/2 body',
    masks: true,
    arrange: body('text/plain', around('some text ', ' and more'), ['http2']),
  },
];

/** Files for curl, each once. */
export function fileMaker(directory: string): (content: string | Buffer) => string {
  let count = 0;
  return (content) => {
    const file = path.join(directory, `body-${count++}`);
    writeFileSync(file, content);
    return file;
  };
}
