// Host names and the one credential that every part of bench and conformance shares. The names exist nowhere: Node processes
// find them through resolveNames.cjs, and nothing that leaves this machine is ever asked.

export const DOMAIN = 'bench.test';
export const ORIGIN = `origin.${DOMAIN}`;
/** Names for first contacts. */
export const hostName = (index) => `h${String(index).padStart(4, '0')}.${DOMAIN}`;

/** What the client holds, and what must arrive at the origin: of one length, as Protect makes them. */
export const DUMMY = ['sk', 'bench', 'fake', 'fedcba9876543210fedcba9876543210'].join('-');
export const REAL = ['sk', 'bench', 'real', '0123456789abcdef0123456789abcdef'].join('-');
export const bearer = (key) => `Bearer ${key}`;
