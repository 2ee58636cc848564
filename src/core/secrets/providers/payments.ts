// Payments, billing and shipping.
import { provider, withUuid, type Provider } from './row';

export const PAYMENT_PROVIDERS: readonly Provider[] = [
  provider('stripe', 'Stripe', 'docs.stripe.com/keys', {
    names: 'STRIPE_{SECRET_KEY,API_KEY,KEY,RESTRICTED_KEY,SECRET_API_KEY,SECRET,SK}',
    shapes: [/^([sr]k_(?:live|test)_)[A-Za-z0-9]{16,}$/],
    family: 'sk-live',
    hosts: ['api.stripe.com', 'files.stripe.com'],
    in: ['header:authorization', 'basic'],
  }),
  // Svix signs for many others (Clerk, Resend) in the same form.
  provider('stripe-webhook', 'Stripe or Svix webhook', 'docs.stripe.com/webhooks/signature', {
    names: '{STRIPE,SVIX,CLERK,RESEND}_{WEBHOOK_SECRET,WEBHOOK_SIGNING_SECRET,ENDPOINT_SECRET}',
    shapes: [/^(whsec_)[A-Za-z0-9+/=]{24,}$/],
    kind: 'webhook',
  }),
  provider('paypal', 'PayPal', 'developer.paypal.com/api/rest/authentication', {
    names: 'PAYPAL_{CLIENT_SECRET,SECRET,SECRET_KEY}',
    hosts: ['api-m.paypal.com', 'api-m.sandbox.paypal.com', 'api.paypal.com', 'api.sandbox.paypal.com'],
    in: ['basic'],
  }),
  provider('square', 'Square', 'developer.squareup.com/docs/build-basics/access-tokens', {
    names: 'SQUARE_{ACCESS_TOKEN,TOKEN,API_KEY}',
    shapes: [/^(EAAA)[A-Za-z0-9_-]{60}$/, /^(sq0atp-)[A-Za-z0-9_-]{22}$/],
    hosts: ['connect.squareup.com', 'connect.squareupsandbox.com'],
  }),
  provider('adyen', 'Adyen', 'docs.adyen.com/development-resources/api-credentials', {
    names: 'ADYEN_API_KEY',
    hosts: ['*.adyen.com', '*.adyenpayments.com'],
    in: ['header:x-api-key'],
  }),
  provider('paddle', 'Paddle', 'developer.paddle.com/api-reference/about/authentication', {
    names: 'PADDLE_{API_KEY,SECRET_KEY}',
    shapes: [/^(pdl_(?:live|sdbx)_apikey_[a-z0-9]{26}_)[A-Za-z0-9]{22}_[A-Za-z0-9]{3}$/],
    hosts: ['api.paddle.com', 'sandbox-api.paddle.com'],
  }),
  provider('lemon-squeezy', 'Lemon Squeezy', 'docs.lemonsqueezy.com/api', {
    names: '{LEMONSQUEEZY,LEMON_SQUEEZY}_API_KEY',
    hosts: ['api.lemonsqueezy.com'],
  }),
  provider('polar', 'Polar', 'polar.sh/docs/api-reference/introduction', {
    names: 'POLAR_{ACCESS_TOKEN,API_KEY}',
    shapes: [/^(polar_(?:oat|pat)_)[A-Za-z0-9]{30,60}$/],
    hosts: ['api.polar.sh', 'sandbox-api.polar.sh'],
  }),
  provider('braintree', 'Braintree', 'developer.paypal.com/braintree/docs/start/hello-server', {
    names: '{BRAINTREE,BT}_PRIVATE_KEY',
    hosts: [
      'api.braintreegateway.com',
      'api.sandbox.braintreegateway.com',
      'payments.braintree-api.com',
      'payments.sandbox.braintree-api.com',
    ],
    in: ['basic'],
  }),
  // The program checks signatures of payments with it.
  provider(
    'razorpay',
    'Razorpay',
    'razorpay.com/docs/payments/server-integration/nodejs/payment-gateway/build-integration',
    {
      names: 'RAZORPAY_{KEY_SECRET,SECRET}',
      kind: 'signing',
    },
  ),
  provider('mollie', 'Mollie', 'docs.mollie.com/reference/authentication', {
    names: 'MOLLIE_{API_KEY,KEY}',
    weakShapes: [/^((?:live|test)_)[A-Za-z0-9]{30}$/],
    hosts: ['api.mollie.com'],
  }),
  provider('plaid', 'Plaid', 'plaid.com/docs/api', {
    names: 'PLAID_{SECRET,SANDBOX_SECRET,PRODUCTION_SECRET}',
    hosts: ['production.plaid.com', 'sandbox.plaid.com'],
    in: ['header:plaid-secret', 'body:secret'],
  }),
  provider('plaid-item', 'Plaid item', 'plaid.com/docs/api/items', {
    names: 'PLAID_ACCESS_TOKEN',
    shapes: [withUuid('access-(?:sandbox|development|production)-')],
    hosts: ['production.plaid.com', 'sandbox.plaid.com'],
    in: ['body:access_token'],
  }),
  provider('gocardless', 'GoCardless', 'developer.gocardless.com/api-reference', {
    names: 'GOCARDLESS_{ACCESS_TOKEN,TOKEN}',
    hosts: ['api.gocardless.com', 'api-sandbox.gocardless.com'],
  }),
  provider('wise', 'Wise', 'docs.wise.com/api-docs/features/authentication-access', {
    names: '{WISE,TRANSFERWISE}_{API_TOKEN,API_KEY,TOKEN}',
    hosts: ['api.wise.com', 'api.transferwise.com', 'api.sandbox.transferwise.tech'],
  }),
  provider('paystack', 'Paystack', 'paystack.com/docs/api/authentication', {
    names: 'PAYSTACK_{SECRET_KEY,SECRET,KEY}',
    shapes: [/^(sk_(?:live|test)_)[0-9a-f]{40}$/],
    family: 'sk-live',
    hosts: ['api.paystack.co'],
  }),
  provider('flutterwave', 'Flutterwave', 'developer.flutterwave.com/v3.0/docs/authentication', {
    names: '{FLUTTERWAVE,FLW}_{SECRET_KEY,SECRET}',
    shapes: [/^(FLWSECK(?:_TEST)?-)[0-9a-f]{32}(-X)$/],
    hosts: ['api.flutterwave.com'],
  }),
  provider('coinbase-commerce', 'Coinbase Commerce', 'docs.cdp.coinbase.com/commerce/introduction/quickstart', {
    names: 'COINBASE_COMMERCE_API_KEY',
    hosts: ['api.commerce.coinbase.com'],
    in: ['header:x-cc-api-key'],
  }),
  provider('chargebee', 'Chargebee', 'apidocs.chargebee.com/docs/api/auth', {
    names: 'CHARGEBEE_API_KEY',
    hosts: ['*.chargebee.com'],
    in: ['basic'],
  }),
  provider('recurly', 'Recurly', 'recurly.com/developers/api', {
    names: 'RECURLY_{API_KEY,PRIVATE_KEY}',
    hosts: ['v3.recurly.com', 'v3.eu.recurly.com'],
    in: ['basic'],
  }),
  provider('revenuecat', 'RevenueCat', 'www.revenuecat.com/docs/projects/authentication', {
    names: 'REVENUECAT_{SECRET_KEY,SECRET_API_KEY,API_KEY,V2_API_KEY}',
    hosts: ['api.revenuecat.com'],
  }),
  provider('easypost', 'EasyPost', 'docs.easypost.com/docs/authentication', {
    names: 'EASYPOST_{API_KEY,TEST_API_KEY}',
    shapes: [/^(EZ[AT]K)[A-Za-z0-9]{54}$/],
    hosts: ['api.easypost.com'],
    in: ['basic', 'header:authorization'],
  }),
  provider('shippo', 'Shippo', 'docs.goshippo.com/docs/guides_general/authentication', {
    names: 'SHIPPO_{API_KEY,TOKEN,API_TOKEN}',
    shapes: [/^(shippo_(?:live|test)_)[0-9a-f]{40}$/],
    hosts: ['api.goshippo.com'],
  }),
  provider('lob', 'Lob', 'docs.lob.com', {
    names: 'LOB_API_KEY',
    weakShapes: [/^((?:live|test)_)[0-9a-f]{35}$/],
    hosts: ['api.lob.com'],
    in: ['basic'],
  }),
  provider('duffel', 'Duffel', 'duffel.com/docs/api/overview/making-requests/authentication', {
    names: 'DUFFEL_{ACCESS_TOKEN,API_KEY,TOKEN}',
    shapes: [/^(duffel_(?:live|test)_)[A-Za-z0-9_-]{43}$/],
    hosts: ['api.duffel.com'],
  }),
];
