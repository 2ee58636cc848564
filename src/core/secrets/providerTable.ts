// Who issues which secrets: names of variables, shapes of values, the hosts they belong to and the places where those hosts
// read them. Each row names the vendor's documentation. A host pattern never reaches machines that run a customer's code:
// whoever rents one would be sent the key. A secret that no row knows is bound by the user.
import { AUTH_PROVIDERS } from './providers/auth';
import { CLOUD_PROVIDERS } from './providers/clouds';
import { CODE_PROVIDERS } from './providers/code';
import { DATA_PROVIDERS } from './providers/data';
import { MESSAGE_PROVIDERS } from './providers/messages';
import { MODEL_PROVIDERS } from './providers/models';
import { MONITORING_PROVIDERS } from './providers/monitoring';
import { PAYMENT_PROVIDERS } from './providers/payments';
import type { Provider } from './providers/row';
import { WORK_PROVIDERS } from './providers/work';

export type { Provider, SecretKind } from './providers/row';

/** Of a family (row.ts), the first row is taken where the name of the variable says nothing. */
export const PROVIDERS: readonly Provider[] = [
  ...MODEL_PROVIDERS,
  ...CODE_PROVIDERS,
  ...CLOUD_PROVIDERS,
  ...DATA_PROVIDERS,
  ...PAYMENT_PROVIDERS,
  ...MESSAGE_PROVIDERS,
  ...MONITORING_PROVIDERS,
  ...WORK_PROVIDERS,
  ...AUTH_PROVIDERS,
];
