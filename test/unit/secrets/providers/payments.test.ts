import { PAYMENT_PROVIDERS } from '../../../../src/core/secrets/providers/payments';
import { testRows } from './examples';

testRows(PAYMENT_PROVIDERS, [
  ['STRIPE_SECRET_KEY', 'stripe', 'api.stripe.com', 'basic'],
  ['STRIPE_WEBHOOK_SECRET', 'stripe-webhook', '', ''],
  ['PAYPAL_CLIENT_SECRET', 'paypal', 'api-m.paypal.com', 'basic'],
  ['SQUARE_ACCESS_TOKEN', 'square', 'connect.squareup.com', 'header:authorization'],
  ['ADYEN_API_KEY', 'adyen', '*.adyenpayments.com', 'header:x-api-key'],
  ['PLAID_SECRET', 'plaid', 'production.plaid.com', 'header:plaid-secret'],
  ['PAYSTACK_SECRET_KEY', 'paystack', 'api.paystack.co', 'header:authorization'],
]);
