// The shapes that scan, vault, injection and redaction share. A `value` is a real secret: it never goes into a message.

/**
 * Where a credential is read from a request: `header:NAME` (the bare value, or after a scheme word such as Bearer),
 * `basic` (user or password inside `Authorization: Basic`), `query:NAME`, `path` (a segment), `body:NAME` (a field of a form, or a
 * path of names and indexes into JSON, joined by dots), `websocket` (a whole string of a text message), `aws4` (requests are signed
 * with it, AWS Signature Version 4).
 */
export type Place = string;

/** A secret as injection and redaction need it. */
export interface BoundSecret {
  /** The variable name; unique within a folder. */
  readonly name: string;
  readonly value: string;
  readonly dummy: string;
  /** Patterns as in policy rules. Empty: never injected; its dummy on the wire is an alarm. */
  readonly hosts: readonly string[];
  readonly in: readonly Place[];
}

export type FindingKind =
  /** A dummy on its way to a host that its secret is not bound to. */
  | 'dummy-unbound'
  /** A dummy on its own host, but outside the places where the credential is read: forwarded as it is. */
  | 'dummy-elsewhere'
  /** A dummy in a bound place, but the connection is not safe for the real value (cleartext). */
  | 'dummy-cleartext'
  /** A dummy in a bound place, but the policy has the upstream's certificate not verified (`insecure`). */
  | 'dummy-unverified'
  /** The real value itself on its way out, plain or encoded, outside the places where its own hosts read it. */
  | 'real-value'
  /** A credential that is not the managed one, on a host that has a managed one. */
  | 'foreign-credential'
  /** A key of a known shape that this workspace does not know; `secret` says whose. */
  | 'unknown-key'
  /** The real value came back from an upstream and was replaced. */
  | 'echo-redacted';

/** What detection saw: the secret by name and the place, never the value. */
export interface Finding {
  readonly kind: FindingKind;
  readonly secret: string;
  /** `header:authorization`, `path`, `query:key`, `body`, `response header:x`, `response body`. */
  readonly place: string;
  readonly action: 'blocked' | 'masked' | 'marked';
  /** `real-value`: how it was written, where that is not as it is: `base64`, `hex in base64`. */
  readonly form?: string;
  /** `foreign-credential`: a salted hash, by which the user may trust it. */
  readonly credential?: string;
}

/** A secret in a credential store beside the env files: where it stands, whose it is, and where its owner's client puts it. */
export interface StoreSecret {
  /** Not yet the vault's name: may hold dots and more. */
  readonly name: string;
  /** Byte span. */
  readonly start: number;
  readonly end: number;
  /** For the user, never the value: `the password for example.com`. */
  readonly what: string;
  readonly hosts: readonly string[];
  /** Empty: it is sent in a form that the proxy does not put back. */
  readonly in: readonly Place[];
}

/** Credentials that are let through beside the managed ones. */
export interface TrustSettings {
  /** Random, one a folder: hashes of one folder say nothing in another. */
  readonly salt: string;
  /** Of a host and a credential, or of a credential alone where it is good for every host (files/trust). */
  readonly hashes: readonly string[];
}
