import { CODE_PROVIDERS } from '../../../../src/core/secrets/providers/code';
import { testRows } from './examples';

testRows(CODE_PROVIDERS, [
  ['GH_TOKEN', 'github', 'api.github.com', 'header:authorization'],
  ['GITLAB_TOKEN', 'gitlab', 'gitlab.com', 'header:private-token'],
  ['NPM_TOKEN', 'npm', 'registry.npmjs.org', 'header:authorization'],
  ['TWINE_PASSWORD', 'pypi', 'upload.pypi.org', 'basic'],
  ['CARGO_REGISTRY_TOKEN', 'crates-io', 'crates.io', 'header:authorization'],
  ['NUGET_API_KEY', 'nuget', 'www.nuget.org', 'header:x-nuget-apikey'],
  ['CIRCLE_TOKEN', 'circleci', 'circleci.com', 'header:circle-token'],
  ['ARTIFACTORY_API_KEY', 'artifactory', '', 'header:x-jfrog-art-api'],
]);
