// Preloaded (`node --require`) into the Node proxies under test: names under bench.test lead to 127.0.0.1. No root, no
// /etc/hosts; the real resolver still does its work (it is asked for "localhost"), so that a lookup costs what it costs.
const dns = require('node:dns');
const { syncBuiltinESMExports } = require('node:module');

const isOurs = (host) => typeof host === 'string' && host.toLowerCase().replace(/\.$/, '').endsWith('.bench.test');
const asOptions = (options) => (typeof options === 'number' ? { family: options } : options);

function replace(owner) {
  const { lookup } = owner;
  const wrapped = (host, ...rest) => {
    if (!isOurs(host)) return lookup(host, ...rest);
    const callback = typeof rest.at(-1) === 'function' ? [rest.at(-1)] : [];
    const options = typeof rest[0] === 'function' ? {} : asOptions(rest[0]);
    return lookup('localhost', { ...options, family: 4 }, ...callback);
  };
  owner.lookup = Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(lookup));
}

replace(dns);
replace(dns.promises);
syncBuiltinESMExports();
