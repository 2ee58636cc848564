import { expect, it } from 'vitest';
import { classify } from '../../../src/core/env/classify';
import { referenceReason } from '../../../src/core/env/classifyReference';
import { body, hex, keys } from './fakeKeys';

it.each([
  ['op://vault/item/field-123', /1Password/],
  ['vault:secret/data/app#password', /HashiCorp/],
  ['vault://secret/app', /HashiCorp/],
  [`vault:v1:${body(40)}`, /encrypted/],
  ['arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf', /AWS Secrets Manager/],
  ['{{resolve:secretsmanager:prod/db:SecretString:password}}', /AWS Secrets Manager/],
  ['arn:aws:ssm:eu-west-1:123456789012:parameter/prod/key', /Systems Manager/],
  ['ssm:/prod/api/key', /Systems Manager/],
  ['arn:aws-cn:iam::123456789012:role/deploy', /ARN/],
  ['projects/my-project/secrets/api-key/versions/latest', /Google Secret Manager/],
  ['@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/x/)', /Azure/],
  ['doppler://project/config/NAME', /Doppler/],
  ['infisical://project/env/NAME', /Infisical/],
  ['bws://2863ced6-eba1-48b4-b5c0-afa30104877a', /Bitwarden/],
  ['keyring://service/user', /keyring/],
  ['ref+vault://secret/app#/password', /store/],
  ['${{ secrets.API_TOKEN }}', /build service/],
  ['${OTHER_TOKEN}', /another variable/],
  ['$OTHER_TOKEN', /another variable/],
  ['${USER}${HOST}', /another variable/],
  ['%OTHER_TOKEN%', /another variable/],
  ['$(pass show api/token)', /command/],
  ['`pass show api/token`', /command/],
  ['encrypted:BDb7t3QkTRp2', /encrypted/],
  ['ENC[AES256_GCM,data:abc123]', /encrypted/],
])('%s is left alone', (value, reason) => {
  expect(referenceReason(value)).toMatch(reason);
  expect(classify('API_TOKEN', value, { tracked: false, doubt: undefined })).toBeUndefined();
});

it.each([keys.anthropic(), keys.github(), hex(64), body(40), `$${body(20)}!`, `opal-${body(20)}`, ''])(
  'a value is none',
  (value) => expect(referenceReason(value)).toBeUndefined(),
);

it('is quick with texts made to keep it busy', () => {
  for (const piece of ['$A', '${', '${A}', '%A', 'projects/', 'ref+'])
    expect(() => referenceReason(piece.repeat(60_000) + '!')).not.toThrow();
});
