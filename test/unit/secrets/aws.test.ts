import { describe, expect, it } from 'vitest';
import { awsKeys, awsRole, keysForId, maySignFor } from '../../../src/core/secrets/aws';
import type { BoundSecret } from '../../../src/core/secrets/types';
import { body, keys } from '../env/fakeKeys';

const secret = (name: string, value = `value of ${name}`, places = ['aws4']): BoundSecret => ({
  name,
  value,
  dummy: `dummy of ${name}`,
  hosts: ['*.amazonaws.com'],
  in: places,
});
const names = (...all: readonly string[]) =>
  awsKeys(all.map((name) => secret(name))).map((key) => [key.secret.name, key.id?.name, key.token?.name]);

describe('what belongs together', () => {
  it.each([
    ['AWS_ACCESS_KEY_ID', 'id', 'AWS_*'],
    ['AWS_SECRET_ACCESS_KEY', 'secret', 'AWS_*'],
    ['AWS_SESSION_TOKEN', 'token', 'AWS_*'],
    ['AWS_SECURITY_TOKEN', 'token', 'AWS_*'],
    ['PROD_AWS_SECRET_ACCESS_KEY', 'secret', 'PROD_AWS_*'],
    ['AWS_ACCESS_KEY_ID_DEV', 'id', 'AWS_*_DEV'],
    ['R2_ACCESS_KEY_ID', 'id', 'R2_*'],
    ['MINIO_ACCESS_KEY', 'id', 'MINIO_*'],
    ['MINIO_SECRET_KEY', 'secret', 'MINIO_*'],
    ['S3_SECRET', 'secret', 'S3_*'],
    ['aws_secret_access_key', 'secret', 'AWS_*'],
    ['SOMETHING', 'secret', 'SOMETHING*'],
  ])('%s is the %s of %s', (name, role, stem) => {
    expect(awsRole(name, body(40))).toEqual({ role, stem });
  });

  it('an id shows by its shape', () => {
    expect(awsRole('SOMETHING', keys.aws()).role).toBe('id');
  });

  it('pairs by name, across prefixes and suffixes', () => {
    expect(names('AWS_SECRET_ACCESS_KEY')).toEqual([['AWS_SECRET_ACCESS_KEY', undefined, undefined]]);
    expect(
      names(
        'PROD_AWS_SESSION_TOKEN',
        'AWS_ACCESS_KEY_ID',
        'AWS_SECRET_ACCESS_KEY',
        'PROD_AWS_SECRET_ACCESS_KEY',
        'PROD_AWS_ACCESS_KEY_ID',
        'S3_SECRET_ACCESS_KEY_DEV',
        'S3_ACCESS_KEY_ID_DEV',
        'MINIO_ACCESS_KEY',
        'MINIO_SECRET_KEY',
      ),
    ).toEqual([
      ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID', undefined],
      ['PROD_AWS_SECRET_ACCESS_KEY', 'PROD_AWS_ACCESS_KEY_ID', 'PROD_AWS_SESSION_TOKEN'],
      ['S3_SECRET_ACCESS_KEY_DEV', 'S3_ACCESS_KEY_ID_DEV', undefined],
      ['MINIO_SECRET_KEY', 'MINIO_ACCESS_KEY', undefined],
    ]);
  });

  it('only of what is bound at aws4 and has a dummy', () => {
    expect(awsKeys([secret('AWS_SECRET_ACCESS_KEY', 'x', ['header:x'])])).toEqual([]);
    expect(awsKeys([{ ...secret('AWS_SECRET_ACCESS_KEY'), dummy: '' }])).toEqual([]);
  });

  it('an id means its own key, whichever of its forms is used; another means keys whose id nobody knows', () => {
    const all = awsKeys(['A_SECRET_KEY', 'A_ACCESS_KEY', 'B_SECRET_KEY'].map((name) => secret(name)));
    const found = (id: string) => keysForId(all, id).map((key) => key.secret.name);
    expect(found('dummy of A_ACCESS_KEY')).toEqual(['A_SECRET_KEY']);
    expect(found('value of A_ACCESS_KEY')).toEqual(['A_SECRET_KEY']);
    expect(found('anything')).toEqual(['B_SECRET_KEY']);
  });
});

describe('where a signature may go', () => {
  it.each([
    ['s3.eu-west-1.amazonaws.com', 's3'],
    ['bucket.s3.amazonaws.com', 's3'],
    ['b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com', 's3express'],
    ['dynamodb.us-east-1.amazonaws.com', 'dynamodb'],
    ['email.us-east-1.amazonaws.com', 'ses'],
    ['sts.amazonaws.com', 'sts'],
    ['rds.eu-west-1.amazonaws.com', 'rds'],
    ['abc.execute-api.us-east-1.amazonaws.com', 'execute-api'],
    ['search-x.eu-west-1.es.amazonaws.com', 'es'],
    ['lambda.us-east-1.api.aws', 'lambda'],
    ['account.r2.cloudflarestorage.com', 's3'],
    ['localhost', 'anything'],
  ])('%s as %s', (host, service) => {
    expect(maySignFor(host, service)).toBe(true);
  });

  it.each([
    // Customers' code would be handed a signature for another service.
    ['evil.execute-api.us-east-1.amazonaws.com', 'sts'],
    ['evil.appsync-api.us-east-1.amazonaws.com', 'iam'],
    ['evil.lambda-url.us-east-1.on.aws', 's3'],
    ['evil-bucket.s3.amazonaws.com', 'dynamodb'],
    ['evil.s3-eu-west-1.amazonaws.com', 'sts'],
    // Customers' machines.
    ['ec2-1-2-3-4.compute-1.amazonaws.com', 'ec2'],
    ['ec2-1-2-3-4.eu-west-1.compute.amazonaws.com', 's3'],
    ['evil-123.eu-west-1.elb.amazonaws.com', 'elasticloadbalancing'],
    ['x.y.eu-west-1.rds.amazonaws.com', 'rds'],
    ['vpce-1-2.vpce-svc-3.us-east-1.vpce.amazonaws.com', 's3'],
    ['evil.s3-website-us-east-1.amazonaws.com', 's3'],
    ['x.gr7.us-east-1.eks.amazonaws.com', 'eks'],
  ])('not to %s as %s', (host, service) => {
    expect(maySignFor(host, service)).toBe(false);
  });
});
