// Chat, mail, telephone and push.
import { provider, type Provider } from './row';

export const MESSAGE_PROVIDERS: readonly Provider[] = [
  provider('slack', 'Slack', 'docs.slack.dev/authentication/tokens', {
    names:
      'SLACK_{TOKEN,BOT_TOKEN,USER_TOKEN,APP_TOKEN,API_TOKEN,ACCESS_TOKEN,BOT_USER_OAUTH_TOKEN,APP_LEVEL_TOKEN,CONFIG_TOKEN}',
    // Bot, user, legacy and workspace tokens; rotated ones; refresh and configuration tokens; app-level ones.
    shapes: [
      /^(xox[abprs]-)(?:[A-Za-z0-9]+-)+[A-Za-z0-9]{16,}$/,
      /^(xoxe\.xox[bp]-\d-)[A-Za-z0-9]{100,200}$/,
      /^(xoxe-)(?:[A-Za-z0-9]+-)+[A-Za-z0-9]{16,}$/,
      /^(xapp-\d-)[A-Za-z0-9-]{20,}$/,
    ],
    hosts: ['slack.com', '*.slack.com'],
    in: ['header:authorization', 'body:token'],
  }),
  provider('slack-signing', 'Slack', 'docs.slack.dev/authentication/verifying-requests-from-slack', {
    names: 'SLACK_SIGNING_SECRET',
    kind: 'webhook',
  }),
  provider('slack-client', 'Slack application', 'docs.slack.dev/authentication/installing-with-oauth', {
    names: 'SLACK_CLIENT_SECRET AUTH_SLACK_SECRET',
    hosts: ['slack.com'],
    in: ['basic', 'body:client_secret'],
  }),
  provider('discord', 'Discord', 'discord.com/developers/docs/reference#authentication', {
    names: 'DISCORD_{TOKEN,BOT_TOKEN}',
    // The first part is the id of the bot, which libraries read.
    shapes: [/^([MNO][A-Za-z0-9_-]{23,27}\.)[A-Za-z0-9_-]{6}(\.)[A-Za-z0-9_-]{27,38}$/],
    hosts: ['discord.com'],
  }),
  // The token is a part of the path: `/botTOKEN/method`.
  provider('telegram', 'Telegram', 'core.telegram.org/bots/api#authorizing-your-bot', {
    names: '{TELEGRAM,TG}_{TOKEN,BOT_TOKEN} TELEGRAM_BOT_API_{KEY,TOKEN}',
    shapes: [/^\d{8,10}(:AA)[A-Za-z0-9_-]{33}$/],
    hosts: ['api.telegram.org'],
    in: ['path'],
  }),
  provider('line', 'LINE', 'developers.line.biz/en/reference/messaging-api', {
    names: 'LINE_{CHANNEL_ACCESS_TOKEN,ACCESS_TOKEN}',
    hosts: ['api.line.me', 'api-data.line.me'],
  }),
  provider('meta', 'Meta Graph API', 'developers.facebook.com/docs/facebook-login/guides/access-tokens', {
    names: '{FACEBOOK,FB,META,INSTAGRAM,WHATSAPP}_{ACCESS_TOKEN,PAGE_ACCESS_TOKEN} WHATSAPP_{TOKEN,API_TOKEN}',
    shapes: [/^(EAA[A-Z])[A-Za-z0-9]{100,}$/],
    hosts: ['graph.facebook.com', 'graph.instagram.com'],
    in: ['query:access_token', 'header:authorization'],
  }),
  provider('x', 'X', 'docs.x.com/resources/fundamentals/authentication/oauth-2-0/application-only', {
    names: '{TWITTER,X}_{BEARER_TOKEN,API_BEARER_TOKEN}',
    hosts: ['api.x.com', 'api.twitter.com'],
  }),
  provider('twilio', 'Twilio', 'www.twilio.com/docs/usage/requests-to-twilio', {
    names: 'TWILIO_{AUTH_TOKEN,API_SECRET,API_KEY_SECRET}',
    hosts: ['*.twilio.com'],
    in: ['basic'],
  }),
  provider('vonage', 'Vonage', 'developer.vonage.com/en/getting-started/concepts/authentication', {
    names: '{VONAGE,NEXMO}_API_SECRET',
    hosts: ['rest.nexmo.com', 'api.nexmo.com'],
    in: ['basic', 'query:api_secret', 'body:api_secret'],
  }),
  provider('plivo', 'Plivo', 'www.plivo.com/docs/messaging/api/overview', {
    names: 'PLIVO_AUTH_TOKEN',
    hosts: ['api.plivo.com'],
    in: ['basic'],
  }),
  provider('messagebird', 'MessageBird', 'developers.messagebird.com/api', {
    names: 'MESSAGEBIRD_{API_KEY,ACCESS_KEY}',
    hosts: ['rest.messagebird.com', 'conversations.messagebird.com'],
  }),
  provider(
    'sendgrid',
    'SendGrid',
    'www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/authentication',
    {
      names: 'SENDGRID_{API_KEY,KEY}',
      shapes: [/^(SG\.)[A-Za-z0-9_-]{16,32}(\.)[A-Za-z0-9_-]{32,64}$/],
      hosts: ['api.sendgrid.com', 'api.eu.sendgrid.com'],
    },
  ),
  provider('mailgun', 'Mailgun', 'documentation.mailgun.com/docs/mailgun/api-reference/mg-auth', {
    names: 'MAILGUN_{API_KEY,KEY,PRIVATE_KEY}',
    shapes: [/^(key-)[0-9a-f]{32}$/, /^[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}$/],
    hosts: ['api.mailgun.net', 'api.eu.mailgun.net'],
    in: ['basic'],
  }),
  provider('postmark', 'Postmark', 'postmarkapp.com/developer/api/overview', {
    names: 'POSTMARK_{TOKEN,API_TOKEN,SERVER_TOKEN,SERVER_API_TOKEN,ACCOUNT_TOKEN,ACCOUNT_API_TOKEN,API_KEY}',
    hosts: ['api.postmarkapp.com'],
    in: ['header:x-postmark-server-token', 'header:x-postmark-account-token'],
  }),
  provider('resend', 'Resend', 'resend.com/docs/api-reference/introduction', {
    names: 'RESEND_{API_KEY,KEY} AUTH_RESEND_KEY',
    shapes: [/^(re_)[A-Za-z0-9]{6,12}_[A-Za-z0-9]{20,32}$/],
    hosts: ['api.resend.com'],
  }),
  provider('mailchimp', 'Mailchimp', 'mailchimp.com/developer/marketing/guides/quick-start', {
    names: 'MAILCHIMP_{API_KEY,KEY}',
    // The end names the data centre, and with it the host.
    shapes: [/^[0-9a-f]{32}(-us\d{1,2})$/],
    hosts: ['*.api.mailchimp.com'],
    in: ['basic', 'header:authorization'],
  }),
  provider('mandrill', 'Mailchimp Transactional', 'mailchimp.com/developer/transactional/docs/fundamentals', {
    names: 'MANDRILL_{API_KEY,KEY,APIKEY}',
    hosts: ['mandrillapp.com'],
    in: ['body:key'],
  }),
  provider('brevo', 'Brevo', 'developers.brevo.com/docs/getting-started', {
    names: '{BREVO,SENDINBLUE}_{API_KEY,KEY}',
    shapes: [/^(xkeysib-)[0-9a-f]{64}-[A-Za-z0-9]{16}$/],
    hosts: ['api.brevo.com', 'api.sendinblue.com'],
    in: ['header:api-key'],
  }),
  provider('brevo-smtp', 'Brevo SMTP', 'help.brevo.com/hc/en-us/articles/7924908994450', {
    names: '{BREVO,SENDINBLUE}_SMTP_KEY',
    shapes: [/^(xsmtpsib-)[0-9a-f]{64}-[A-Za-z0-9]{16}$/],
    kind: 'database',
  }),
  provider('mailjet', 'Mailjet', 'dev.mailjet.com/email/guides/getting-started', {
    names: 'MJ_APIKEY_PRIVATE MAILJET_{SECRET_KEY,API_SECRET,SECRET}',
    hosts: ['api.mailjet.com', 'api.us.mailjet.com'],
    in: ['basic'],
  }),
  provider('sparkpost', 'SparkPost', 'developers.sparkpost.com/api', {
    names: 'SPARKPOST_API_KEY',
    hosts: ['api.sparkpost.com', 'api.eu.sparkpost.com'],
  }),
  provider('mailersend', 'MailerSend', 'developers.mailersend.com/general.html', {
    names: 'MAILERSEND_{API_KEY,API_TOKEN,TOKEN}',
    shapes: [/^(mlsn\.)[0-9a-f]{64}$/],
    hosts: ['api.mailersend.com'],
  }),
  provider('loops', 'Loops', 'loops.so/docs/api-reference/intro', { names: 'LOOPS_API_KEY', hosts: ['app.loops.so'] }),
  provider('customer-io', 'Customer.io App API', 'docs.customer.io/integrations/api/app', {
    names: '{CUSTOMERIO,CUSTOMER_IO}_{APP_API_KEY,APP_KEY}',
    hosts: ['api.customer.io', 'api-eu.customer.io'],
  }),
  provider('courier', 'Courier', 'www.courier.com/docs/reference/intro', {
    names: 'COURIER_{AUTH_TOKEN,API_KEY}',
    hosts: ['api.courier.com'],
  }),
  provider('onesignal', 'OneSignal', 'documentation.onesignal.com/docs/en/keys-and-ids', {
    names: 'ONESIGNAL_{API_KEY,REST_API_KEY,APP_API_KEY}',
    shapes: [/^(os_v2_(?:app|org)_)[a-z2-7]{80,120}$/],
    hosts: ['api.onesignal.com', 'onesignal.com'],
  }),
  provider('pusher', 'Pusher', 'pusher.com/docs/channels/library_auth_reference/rest-api', {
    names: 'PUSHER_{SECRET,APP_SECRET}',
    kind: 'signing',
  }),
  provider('livekit', 'LiveKit', 'docs.livekit.io/home/get-started/authentication', {
    names: 'LIVEKIT_{API_SECRET,SECRET}',
    kind: 'signing',
  }),
  provider('daily', 'Daily', 'docs.daily.co/reference/rest-api', { names: 'DAILY_API_KEY', hosts: ['api.daily.co'] }),
];
