// Finds whose a secret is, by its shape and by the name of its variable. The table itself is in providerTable.ts.
import { compileHosts } from '../policy/hosts';
import { PROVIDERS, type Provider } from './providerTable';

/** What frameworks and people put around a name does not change whose it is. */
const PREFIX =
  /^(?:NEXT_PUBLIC_|VITE_|REACT_APP_|EXPO_PUBLIC_|NUXT_(?:PUBLIC_)?|TF_VAR_|MY_|APP_|PROD(?:UCTION)?_|DEV_|STAGING_|TEST_|OLD_|NEW_)+/;
const SUFFIX = /(?:_(?:\d{1,2}|PROD(?:UCTION)?|DEV|STAGING|TEST|LIVE|LOCAL|OLD|NEW|BACKUP))+$/;

/**
 * The provider of a value: by its shape first, which cannot lie, then by the name of its variable. Where several have the
 * shape, the name decides between them.
 */
export function lookupProvider(name: string, value: string): Provider | undefined {
  const upper = name.toUpperCase();
  const bare = upper.replace(PREFIX, '').replace(SUFFIX, '');
  const named = ({ names }: Provider) => names.some((pattern) => pattern.test(upper) || pattern.test(bare));
  const shaped = PROVIDERS.filter((row) => hasShape(row, value));
  return shaped.find(named) ?? shaped[0] ?? PROVIDERS.find(named);
}

/** Whether a value looks like this provider's, whatever its variable is called. */
export function hasShape({ shapes }: Provider, value: string): boolean {
  return shapes.some((shape) => shape.test(value));
}

/** Whether requests to this host are conversations with a model. */
export const isModelApi: (host: string) => boolean = compileHosts(
  PROVIDERS.filter(({ modelApi }) => modelApi).flatMap(({ hosts }) => hosts),
);
