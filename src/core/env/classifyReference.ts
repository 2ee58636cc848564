// Values that are no secret themselves: they name the place where one is (a password manager, a cloud's store, another
// variable), or are encrypted already. They stay as they are, and the reason says what they are.

interface Kind {
  readonly test: RegExp;
  readonly what: string;
}

const elsewhere = (store: string) => `a reference into ${store}: the value itself is not in this file`;
const OTHER = 'the value of another variable, which is looked at where it is set';
const ENCRYPTED = 'encrypted already: it is of no use without its key';

const KINDS: readonly Kind[] = [
  { test: /^op:\/\//, what: elsewhere('1Password') },
  { test: /^vault:v\d+:/, what: ENCRYPTED },
  { test: /^vault:/, what: elsewhere('HashiCorp Vault') },
  { test: /^(?:aws-?sm:|awssm:|arn:aws[a-z-]*:secretsmanager:|\{\{resolve:secretsmanager:)/, what: elsewhere('AWS Secrets Manager') }, // prettier-ignore
  { test: /^(?:arn:aws[a-z-]*:ssm:|\{\{resolve:ssm(?:-secure)?:|(?:aws-?)?ssm:|awsssm:)/, what: elsewhere('AWS Systems Manager') }, // prettier-ignore
  { test: /^arn:aws[a-z-]*:/, what: 'the name of a resource at AWS (ARN), which is no secret' },
  { test: /^(?:projects\/[^/\s]+\/secrets\/|gcp-?sm:|sm:\/\/)/, what: elsewhere('Google Secret Manager') },
  { test: /^(?:@Microsoft\.KeyVault\(|azure-?key-?vault:|akv:)/i, what: elsewhere('Azure Key Vault') },
  { test: /^doppler:\/\//, what: elsewhere('Doppler') },
  { test: /^infisical:\/\//, what: elsewhere('Infisical') },
  { test: /^bws:\/\//, what: elsewhere('Bitwarden Secrets Manager') },
  { test: /^keyring:\/\//, what: elsewhere('the keyring of the system') },
  { test: /^(?:secret:\/\/|ref\+[a-z]+:\/\/)/, what: elsewhere('a store of secrets') },
  { test: /^\$\{\{[^}]*\}\}$/, what: elsewhere('the store of the build service') },
  { test: /^(?:\$\{[^}]*\}|\$[A-Za-z_]\w*)+$/, what: OTHER },
  { test: /^%[A-Za-z_]\w*%$/, what: OTHER },
  { test: /^(?:\$\(|`)/, what: 'the output of a command, which runs when the file is read' },
  { test: /^(?:encrypted:|ENC\[|\$ANSIBLE_VAULT;)/, what: ENCRYPTED },
];

/** What such a value is, for the user to read; undefined for all other values. */
export function referenceReason(value: string): string | undefined {
  return KINDS.find(({ test }) => test.test(value))?.what;
}
