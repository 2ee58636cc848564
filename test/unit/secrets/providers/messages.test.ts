import { MESSAGE_PROVIDERS } from '../../../../src/core/secrets/providers/messages';
import { testRows } from './examples';

testRows(MESSAGE_PROVIDERS, [
  ['SLACK_BOT_TOKEN', 'slack', 'slack.com', 'header:authorization'],
  ['SLACK_SIGNING_SECRET', 'slack-signing', '', ''],
  ['DISCORD_BOT_TOKEN', 'discord', 'discord.com', 'header:authorization'],
  ['TELEGRAM_BOT_TOKEN', 'telegram', 'api.telegram.org', 'path'],
  ['TWILIO_AUTH_TOKEN', 'twilio', '*.twilio.com', 'basic'],
  ['POSTMARK_SERVER_TOKEN', 'postmark', 'api.postmarkapp.com', 'header:x-postmark-server-token'],
  ['MANDRILL_API_KEY', 'mandrill', 'mandrillapp.com', 'body:key'],
  ['BREVO_API_KEY', 'brevo', 'api.brevo.com', 'header:api-key'],
]);
