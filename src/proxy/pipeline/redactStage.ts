// The way back: no real value of the vault reaches the client, whichever upstream sends it, in headers, bodies and trailers.
// Values split over reads are held back only as long as they could still become one. Inside compressed bytes it sees nothing.
import type { BodyTransform, Fields, InterimHead, ResponseHead } from '../engine';
import { asBuffer } from './asBuffer';
import type { Guard } from './guard';
import type { FlowContext, Stage } from './stage';

export class RedactStage implements Stage {
  constructor(private readonly guard: Guard) {}

  response(context: FlowContext, head: ResponseHead): void {
    const { response } = context;
    if (!response) return;
    if (head.raw === undefined || this.guard.redactor.finds(head.raw)) {
      response.fields = this.#fields(context, head.fields);
      response.reason = this.guard.redactor.text(response.reason);
    }
    // Whatever `Content-Encoding` says: a label must not hide a plain body. What is compressed indeed passes as it is.
    if (head.hasBody) response.body = this.#body(context);
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
      redactor = guard.redactor;
      stream = redactor.stream();
      if (keepsLength && !stream.keepsLength) throw new Error('a length that was promised could not be kept');
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
