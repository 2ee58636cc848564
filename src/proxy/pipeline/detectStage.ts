// No real value leaves in a head: host, path, query, field names and values, in whatever form. The one exception is the place
// where its own host reads it: a client that has the real value and uses it there is shown, and served.
import { AWS_PLACE } from '../../core/secrets/aws';
import { basicParts, percentDecode, toLatin1 } from '../../core/secrets/encodings';
import { isModelApi } from '../../core/secrets/providers';
import type { Detected } from '../../core/secrets/detect';
import type { BoundSecret, Finding } from '../../core/secrets/types';
import type { Fields } from '../engine';
import { headAction, written } from './findings';
import type { Guard } from './guard';
import { refuseFor } from './policyStage';
import type { FlowContext, Stage } from './stage';

/** Fields that a client sends with every request, the same each time. */
const SAME_EVERYWHERE = new Set(
  'host accept accept-encoding accept-language connection content-length content-type transfer-encoding'.split(' '),
);

const MAX_HOSTS = 256;

export class DetectStage implements Stage {
  /** Values of the last request to a host. */
  readonly #fieldsBefore = new Map<string, readonly string[]>();

  constructor(private readonly guard: Guard) {}

  request(context: FlowContext): void {
    const { detector, secrets } = this.guard;
    if (secrets.length === 0) return;
    const { path, fields } = context.head;
    for (const found of detector.host(context.target.host)) this.#found(context, found, 'host');
    // NUL stands in no head: nothing reads on from one part into the next.
    const whole = detector.text(`${path}\0${fields.lower.join('\0')}\0${fields.values.join('\0')}`);
    this.#pieces(context, whole.length > 0);
    if (whole.length === 0) return;
    this.#query(context, path);
    for (const [i, name] of fields.lower.entries()) {
      for (const found of detector.text(name)) this.#found(context, found, 'header name');
      for (const found of detector.text(fields.values[i]!))
        this.#found(context, found, `header:${name}`, this.#own(context, found.secret, fields, i));
    }
  }

  /** A value that leaves in pieces: over parameters, over fields, over one request after the other. */
  #pieces(context: FlowContext, holdsWhole: boolean): void {
    const { path, fields } = context.head;
    // A conversation repeats all that was said; what is in it is looked for as a whole.
    if (isModelApi(context.target.host)) return;
    const mark = path.indexOf('?');
    const parts = (mark < 0 ? path : path.slice(0, mark)).split('/').map(percentDecode);
    if (mark >= 0)
      for (const part of path.slice(mark + 1).split('&')) parts.push(percentDecode(part.slice(part.indexOf('=') + 1)));
    const before = this.#fieldsBefore.get(context.target.host);
    // What a client says with every request brings no piece.
    for (const [i, name] of fields.lower.entries())
      if (!SAME_EVERYWHERE.has(name) && before?.[i] !== fields.values[i]) parts.push(fields.values[i]!);
    if (before || this.#fieldsBefore.size < MAX_HOSTS) this.#fieldsBefore.set(context.target.host, fields.values);
    const { detector, split } = this.guard;
    // A part that holds a whole value is no piece of one, and may be where it belongs.
    const pieces = holdsWhole ? parts.filter((part) => detector.text(part).length === 0) : parts;
    for (const found of split.note(context.target.host, pieces)) this.#found(context, found, 'several parts');
  }

  #query(context: FlowContext, path: string): void {
    const { detector } = this.guard;
    const found = detector.text(path);
    if (found.length === 0) return;
    const before = context.findings.length;
    const mark = path.indexOf('?');
    for (const one of detector.text(mark < 0 ? path : path.slice(0, mark)))
      this.#found(context, one, 'path', this.#ownSegment(context, one.secret));
    if (mark >= 0)
      for (const part of path.slice(mark + 1).split('&'))
        for (const one of detector.text(part)) {
          const name = part.slice(0, Math.max(0, part.indexOf('=')));
          const place = /^[A-Za-z_-]{1,24}$/.test(name) ? `query:${name}` : 'query';
          const own = this.#bound(context, one.secret, `query:${name}`);
          const text = percentDecode(part.slice(name.length + 1));
          const signed = /^x-amz-(?:credential|security-token)$/i.test(name) && this.#ownKey(context, one.secret, text);
          this.#found(context, one, place, own?.value === text || signed);
        }
    if (context.findings.length === before) for (const one of found) this.#found(context, one, 'path');
  }

  /** The secret, where it is bound to this host and this place, and may go there. */
  #bound({ target, tls }: FlowContext, name: string, place: string): BoundSecret | undefined {
    if (target.scheme !== 'https' || tls?.insecure === true) return undefined;
    return this.guard.boundTo(target.host).find((secret) => secret.name === name && secret.in.includes(place));
  }

  #own(context: FlowContext, name: string, { lower, values }: Fields, i: number): boolean {
    const value = values[i]!;
    const bare = this.#bound(context, name, `header:${lower[i]!}`);
    if (bare) {
      const real = toLatin1(bare.value);
      if (value.endsWith(real) && /^(?:[A-Za-z][A-Za-z0-9-]* +)?$/.test(value.slice(0, -real.length))) return true;
    }
    const credential =
      lower[i] === 'authorization' ? /^AWS4-HMAC-SHA256 .*Credential=([^, ]+)/.exec(value)?.[1] : value;
    if (/^(?:authorization|x-amz-security-token)$/.test(lower[i]!) && this.#ownKey(context, name, credential))
      return true;
    const basic = this.#bound(context, name, 'basic');
    const credentials = /^basic[ \t]+([A-Za-z0-9+/=]+)$/i.exec(value)?.[1];
    if (!basic || lower[i] !== 'authorization' || credentials === undefined) return false;
    const [user, password] = basicParts(Buffer.from(credentials, 'base64').toString('latin1'));
    const real = toLatin1(basic.value);
    return user === real || password === real;
  }

  /** The id of a key or a session token, where a signed AWS request has it. A secret key is in no request. */
  #ownKey(context: FlowContext, name: string, text: string | undefined): boolean {
    const secret = this.#bound(context, name, AWS_PLACE);
    if (!secret || text === undefined) return false;
    const real = toLatin1(secret.value);
    return text === real || /^\/\d{8}\//.test(text.startsWith(real) ? text.slice(real.length) : '');
  }

  #ownSegment(context: FlowContext, name: string): boolean {
    const secret = this.#bound(context, name, 'path');
    if (!secret) return false;
    const [path] = context.head.path.split('?');
    return path!.split('/').some((part) =>
      percentDecode(part)
        .replace(/^[A-Za-z]{0,12}(?=.)/, '')
        .endsWith(secret.value),
    );
  }

  #found(context: FlowContext, { secret, form }: Detected, place: string, own = false): void {
    const action = own ? 'marked' : headAction(context);
    const finding: Finding = { kind: 'real-value', secret, place, action, ...(own ? {} : written(form)) };
    if (
      context.findings.some((other) => other.kind === finding.kind && other.secret === secret && other.place === place)
    )
      return;
    context.findings.push(finding);
    if (action === 'blocked' && !context.answer) refuseFor(finding, context);
  }
}
