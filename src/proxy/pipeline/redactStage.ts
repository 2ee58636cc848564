// The way back: no real value of the vault reaches the client, whichever upstream sends it, in headers, bodies and trailers.
// Values split over reads are held back only as long as they could still become one. A compressed body goes on decoded to a client
// that asked for the coding; to one that did not (a download that is kept as it comes) as it is, and is broken off where a value
// turns up in it.
import { type Coding, accepts, contentCodings, keepDecodable } from '../codecs/contentCoding';
import type { BodyTransform, Fields, InterimHead, ResponseHead } from '../engine';
import { fieldOf, withValue, withoutFields } from '../fields';
import { BadMessage } from '../http1/head';
import { asBuffer } from './asBuffer';
import { OF_THE_CODED_FORM, decoded, watched } from './decodedBody';
import type { Guard } from './guard';
import type { FlowContext, Stage } from './stage';

const PARTIAL = 206;

export class RedactStage implements Stage {
  constructor(private readonly guard: Guard) {}

  /** Only codings that can be looked into may be offered. */
  request(context: FlowContext): void {
    if (this.guard.secrets.length === 0) return;
    // A part of a compressed body (RFC 9110, 15.3.7) could not be decoded.
    const whole = !context.fields.lower.includes('range');
    context.fields = whole ? keepDecodable(context.fields) : withValue(context.fields, 'accept-encoding', 'identity');
  }

  response(context: FlowContext, head: ResponseHead): void {
    const { response } = context;
    if (!response) return;
    if (head.raw === undefined || this.guard.redactor.finds(head.raw)) {
      response.fields = this.#fields(context, head.fields);
      response.reason = this.guard.redactor.text(response.reason);
    }
    if (!head.hasBody) return;
    // The first part can be decoded, as far as it goes.
    const begins = (fieldOf(head.fields, 'content-range') ?? '').startsWith('bytes 0-');
    const codings = head.status === PARTIAL && !begins ? undefined : contentCodings(head.fields);
    if (!codings) response.body = this.#body(context);
    else if (this.guard.secrets.length === 0) {
      // Nobody looks into it: the first secret that comes ends it.
      context.unseen = true;
      response.body = this.#body(context);
    } else if (accepts(context.head.fields, codings)) {
      response.body = decoded(codings, this.#body(context));
      response.fields = withoutFields(response.fields, OF_THE_CODED_FORM);
    } else response.body = this.#watched(context, codings);
  }

  interim(context: FlowContext, head: InterimHead): InterimHead {
    return { reason: this.guard.redactor.text(head.reason), fields: this.#fields(context, head.fields) };
  }

  #fields(context: FlowContext, fields: Fields): Fields {
    const all = `${fields.names.join('\n')}\n${fields.values.join('\n')}`;
    if (this.guard.redactor.text(all) === all) return fields;
    const names = fields.names.map((name) => {
      const clean = this.guard.redactor.text(name);
      if (clean !== name) this.#found(context, name, 'response header name');
      return clean;
    });
    return {
      names,
      lower: names.map((name) => name.toLowerCase()),
      values: fields.values.map((value, i) => {
        const clean = this.guard.redactor.text(value);
        if (clean !== value) this.#found(context, value, `response header:${fields.lower[i]!}`);
        return clean;
      }),
    };
  }

  #found(context: FlowContext, text: string, place: string): void {
    for (const { name, value } of this.guard.secrets) {
      if (text.includes(value)) context.findings.push({ kind: 'echo-redacted', secret: name, place, action: 'masked' });
    }
  }

  #watched(context: FlowContext, codings: readonly Coding[]): BodyTransform {
    const stream = this.guard.redactor.stream();
    const raw = this.guard.redactor.stream();
    const refuse = (hits: ReadonlyMap<string, number>) => {
      for (const secret of hits.keys()) {
        context.findings.push({ kind: 'echo-redacted', secret, place: 'response body', action: 'blocked' });
        throw new BadMessage(
          'secret-in-answer',
          `The answer holds the real value of ${secret} in a compressed body that was not asked for. It was broken off: it cannot be replaced there.`,
        );
      }
    };
    const watcher = {
      look: (bytes: Buffer) => {
        stream.push(bytes);
        refuse(stream.hits);
        return !stream.waits;
      },
      end: () => {
        stream.end();
        refuse(stream.hits);
      },
      raw: (bytes: Buffer) => {
        raw.push(bytes);
        refuse(raw.hits);
      },
    };
    return watched(codings, watcher, this.#body(context));
  }

  #body(context: FlowContext): BodyTransform {
    const { guard } = this;
    let { redactor } = guard;
    let stream = redactor.stream();
    const report = () => {
      for (const name of stream.hits.keys()) {
        if (
          context.findings.some((f) => f.kind === 'echo-redacted' && f.secret === name && f.place === 'response body')
        )
          continue;
        context.findings.push({ kind: 'echo-redacted', secret: name, place: 'response body', action: 'masked' });
      }
    };
    const { keepsLength } = stream;
    /** A stream of events may go on for hours: secrets that come meanwhile are looked for from then on. */
    const renew = (): Buffer => {
      const rest = asBuffer(stream.end());
      report();
      const before = redactor;
      redactor = guard.redactor;
      const next = redactor.stream();
      // A length that was promised is kept: then the secrets of then are looked for.
      stream = keepsLength && !next.keepsLength ? before.stream() : next;
      return rest;
    };
    return {
      keepsLength,
      push: (chunk) => {
        if (redactor === guard.redactor) return asBuffer(stream.push(chunk));
        return Buffer.concat([renew(), asBuffer(stream.push(chunk))]);
      },
      end: () => {
        const rest = asBuffer(stream.end());
        report();
        return rest;
      },
      cut: () => asBuffer(stream.cut()),
      trailers: (section) => Buffer.from(guard.redactor.text(section.toString('latin1')), 'latin1'),
    };
  }
}
