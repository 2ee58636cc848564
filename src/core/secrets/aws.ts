// Keys that requests are signed with (AWS Signature Version 4): which secrets of a folder belong together, and towards which
// hosts such a signature is of use to nobody else. No value goes into a message.
import { formDecode } from './encodings';
import type { BoundSecret } from './types';

/** Where a secret is not sent but signed with: the client signs with dummies, and the proxy signs again. */
export const AWS_PLACE = 'aws4';

/** One account of AWS, or of a store that speaks S3. */
export interface AwsKey {
  readonly secret: BoundSecret;
  /** Undefined: the id of the key was not swapped. It is no secret, so the signature alone says which key it is. */
  readonly id: BoundSecret | undefined;
  /** Of temporary credentials. */
  readonly token: BoundSecret | undefined;
}

export type AwsRole = 'id' | 'secret' | 'token';

/** The first one that a name has says what it is; `MINIO_ACCESS_KEY` beside `MINIO_SECRET_KEY` is an id. */
const ROLES: readonly (readonly [AwsRole, RegExp])[] = [
  ['token', /(?:SESSION|SECURITY)_?TOKEN/],
  ['secret', /SECRET_?ACCESS_?KEY|SECRET_?KEY|SECRET/],
  ['id', /ACCESS_?KEY_?ID|ACCESS_?KEY|KEY_?ID/],
];
const ID_SHAPE = /^A(?:KI|SI)A[A-Z2-7]{16}$/;

/** What a secret is, and the rest of its name, which those that belong together share (`PROD_AWS_*`). */
export function awsRole(name: string, value: string): { readonly role: AwsRole; readonly stem: string } {
  const upper = name.toUpperCase();
  const [role, word] = ROLES.find(([, words]) => words.test(upper)) ?? ['secret' as const, /$/];
  return { role: ID_SHAPE.test(value) ? 'id' : role, stem: upper.replace(word, '*') };
}

/** The keys among secrets that are bound at `aws4`. */
export function awsKeys(secrets: readonly BoundSecret[]): readonly AwsKey[] {
  const parts = secrets
    .filter(({ dummy, in: places }) => dummy !== '' && places.includes(AWS_PLACE))
    .map((secret) => ({ secret, ...awsRole(secret.name, secret.value) }));
  const find = (role: AwsRole, stem: string) => parts.find((part) => part.role === role && part.stem === stem)?.secret;
  return parts.flatMap(({ secret, role, stem }) =>
    role === 'secret' ? [{ secret, id: find('id', stem), token: find('token', stem) }] : [],
  );
}

/** Keys that a request which names this id may be signed with: those of the id, or those whose id nobody knows. */
export function keysForId(keys: readonly AwsKey[], id: string): readonly AwsKey[] {
  const named = keys.filter((key) => key.id && (key.id.dummy === id || key.id.value === id));
  return named.length > 0 ? named : keys.filter((key) => key.id === undefined);
}

const AWS_DOMAIN = /\.(?:amazonaws\.com(?:\.cn)?|api\.aws|on\.aws)$/;
/** Below these, machines run what customers put there. (`rds.eu-west-1.amazonaws.com` itself is AWS's own.) */
const CUSTOMER = /^(?:compute(?:-\d+)?|elb|rds|cache|redshift|mq|eks|kafka|vpce-svc-.*|s3-website.*)$/;
const CALLS_CUSTOMER = /^(?:execute-api|appsync(?:-realtime)?-api|lambda-url|es|aoss)$/;
/** Below these, customers' code is called by AWS, with the head of the request: only as this service may it be signed. */
const TIED: readonly (readonly [label: RegExp, service: RegExp])[] = [
  [/^execute-api$/, /^execute-api$/],
  [/^appsync(?:-realtime)?-api$/, /^appsync$/],
  [/^lambda-url$/, /^lambda$/],
  [/^iot$/, /^iot/],
  [/^(?:es|aoss)$/, /^(?:es|aoss)$/],
  [/^s3(?:$|-|express)/, /^s3/],
];

/**
 * Machines under AWS's domains whose owners check credentials of their own (a token of an API behind API Gateway): that the host
 * is bound to an AWS key says nothing about those.
 */
export function isCustomerHost(host: string): boolean {
  if (!AWS_DOMAIN.test(host)) return false;
  const labels = host.split('.').slice(1);
  return labels.some((label) => CUSTOMER.test(label) || CALLS_CUSTOMER.test(label));
}

/**
 * Whether a signature may go to a host. AWS's servers do not check that a host is their own: who receives a signature that
 * was made for another service may send it on to that service. Outside of AWS's domains the user has bound the host.
 */
export function maySignFor(host: string, service: string): boolean {
  if (!AWS_DOMAIN.test(host)) return true;
  const labels = host.split('.');
  if (labels.some((label, i) => i > 0 && CUSTOMER.test(label))) return false;
  return TIED.every(([label, fits]) => fits.test(service) || !labels.some((one) => label.test(one)));
}

/** Of STS, what hands out nothing that opens anything. */
const HARMLESS = /^(?:GetCallerIdentity|GetAccessKeyInfo|DecodeAuthorizationMessage)$/;
/** Of IAM, what makes keys or passwords. */
const MAKES_KEYS = /^(?:CreateAccessKey|(?:Create|Reset)ServiceSpecificCredential|(?:Create|Update)LoginProfile)$/i;

/** Whether the body of a request says what it asks for: then it is looked at before it is signed. */
export const asksInBody = (service: string) => service === 'sts' || service === 'iam';

/**
 * Whether a request asks for new credentials: they would come back to the client, who is to have none that are real. What
 * cannot be read counts. `query` and `body` as forms, one char a byte.
 */
export function asksForCredentials(service: string, query: string, body: string): boolean {
  const pairs = [...query.split('&'), ...body.split('&')].map((part) => {
    const [name = '', value = ''] = part.split('=').map((text) => formDecode(text));
    return [name.trim(), value.trim()] as const;
  });
  if (service === 's3express') return pairs.some(([name]) => name === 'session');
  if (!asksInBody(service)) return false;
  const actions = pairs.flatMap(([name, value]) => (/^action$/i.test(name) ? [value] : []));
  if (actions.length === 0) return true;
  return actions.some((action) => (service === 'sts' ? !HARMLESS.test(action) : MAKES_KEYS.test(action)));
}
