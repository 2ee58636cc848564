// Code hosting, package registries, and build and delivery services.
import { provider, type Provider } from './row';

export const CODE_PROVIDERS: readonly Provider[] = [
  provider(
    'github',
    'GitHub',
    'docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github',
    {
      names:
        '{GITHUB,GH}_{TOKEN,PAT,ACCESS_TOKEN,API_TOKEN} GITHUB_{PERSONAL_ACCESS_TOKEN,API_KEY,ENTERPRISE_TOKEN} HOMEBREW_GITHUB_API_TOKEN',
      // Classic personal, OAuth, user-to-server, server-to-server and refresh tokens; fine-grained ones.
      shapes: [/^(gh[pousr]_)[A-Za-z0-9]{36,}$/, /^(github_pat_)[A-Za-z0-9]{22}_[A-Za-z0-9]{59}$/],
      hosts: [
        'api.github.com',
        'github.com',
        'gist.github.com',
        'uploads.github.com',
        'raw.githubusercontent.com',
        'codeload.github.com',
        'ghcr.io',
        '*.pkg.github.com',
        'models.github.ai',
      ],
      in: ['header:authorization', 'basic'],
      // Copilot's conversations carry a token of their own.
      modelHosts: ['models.github.ai', '*.githubcopilot.com'],
    },
  ),
  provider('gitlab', 'GitLab', 'docs.gitlab.com/security/tokens', {
    names: 'GITLAB_{TOKEN,PAT,API_TOKEN,ACCESS_TOKEN,PRIVATE_TOKEN,PERSONAL_ACCESS_TOKEN,DEPLOY_TOKEN} CI_JOB_TOKEN',
    // Routable ones end in a version, a length and a checksum.
    shapes: [
      /^(gl(?:pat|dt|soat|ft|oas|cbt)-)[A-Za-z0-9_-]{27,300}(\.\d\d\.[0-9a-z]{2})[0-9a-z]{7}$/,
      /^(gl(?:pat|dt|soat|ft|oas|cbt)-)[A-Za-z0-9_.-]{20,}$/,
    ],
    hosts: ['gitlab.com'],
    in: ['header:private-token', 'header:authorization', 'header:job-token', 'header:deploy-token', 'basic'],
  }),
  provider('gitlab-trigger', 'GitLab pipeline trigger', 'docs.gitlab.com/ci/triggers', {
    names: 'GITLAB_TRIGGER_TOKEN',
    shapes: [/^(glptt-)[A-Za-z0-9_.-]{20,}$/],
    hosts: ['gitlab.com'],
    in: ['query:token', 'body:token'],
  }),
  provider('gitlab-runner', 'GitLab runner', 'docs.gitlab.com/security/tokens', {
    names: 'GITLAB_RUNNER_TOKEN',
    shapes: [/^(glrt-)[A-Za-z0-9_.-]{20,}$/],
    hosts: ['gitlab.com'],
    in: ['body:token'],
  }),
  provider('bitbucket', 'Bitbucket', 'support.atlassian.com/bitbucket-cloud/docs/using-access-tokens', {
    names: 'BITBUCKET_{TOKEN,ACCESS_TOKEN,APP_PASSWORD,API_TOKEN}',
    shapes: [/^(ATCTT3)[A-Za-z0-9_=-]{100,}$/, /^(ATBB)[A-Za-z0-9]{32}$/],
    hosts: ['api.bitbucket.org', 'bitbucket.org'],
    in: ['header:authorization', 'basic'],
  }),
  provider('codeberg', 'Codeberg', 'docs.codeberg.org/advanced/access-token', {
    names: 'CODEBERG_{TOKEN,ACCESS_TOKEN}',
    hosts: ['codeberg.org'],
    in: ['header:authorization', 'basic'],
  }),
  provider('sourcegraph', 'Sourcegraph', 'sourcegraph.com/docs/cli/how-tos/creating_an_access_token', {
    names: 'SRC_ACCESS_TOKEN SOURCEGRAPH_{TOKEN,ACCESS_TOKEN}',
    shapes: [/^(sgp_(?:(?:[0-9a-f]{16}|local)_)?)[0-9a-f]{40}$/],
    hosts: ['sourcegraph.com'],
  }),
  provider('npm', 'npm', 'docs.npmjs.com/about-access-tokens', {
    names: 'NPM_{TOKEN,AUTH_TOKEN,ACCESS_TOKEN} NODE_AUTH_TOKEN',
    shapes: [/^(npm_)[A-Za-z0-9]{36}$/],
    hosts: ['registry.npmjs.org'],
  }),
  provider('pypi', 'PyPI', 'pypi.org/help/#apitoken', {
    names: 'PYPI_{TOKEN,API_TOKEN} TWINE_PASSWORD UV_PUBLISH_TOKEN POETRY_PYPI_TOKEN_PYPI FLIT_PASSWORD',
    // Macaroons: what follows the version names the host that issued them.
    shapes: [/^(pypi-AgEIcHlwaS5vcmc)[A-Za-z0-9_-]{50,}$/, /^(pypi-AgENdGVzdC5weXBpLm9yZw)[A-Za-z0-9_-]{50,}$/],
    hosts: ['upload.pypi.org', 'test.pypi.org'],
    in: ['basic'],
  }),
  provider('rubygems', 'RubyGems', 'guides.rubygems.org/rubygems-org-api', {
    names: 'RUBYGEMS_{API_KEY,TOKEN} GEM_HOST_API_KEY',
    shapes: [/^(rubygems_)[0-9a-f]{48}$/],
    hosts: ['rubygems.org'],
  }),
  provider('crates-io', 'crates.io', 'doc.rust-lang.org/cargo/reference/publishing.html', {
    names: 'CARGO_REGISTRY_TOKEN CARGO_REGISTRIES_CRATES_IO_TOKEN CRATES_IO_{TOKEN,API_TOKEN}',
    shapes: [/^(cio)[A-Za-z0-9]{32}$/],
    hosts: ['crates.io'],
  }),
  provider('nuget', 'NuGet', 'learn.microsoft.com/nuget/nuget-org/publish-a-package', {
    names: 'NUGET_{API_KEY,KEY,TOKEN,AUTH_TOKEN}',
    shapes: [/^(oy2)[a-z0-9]{43}$/],
    hosts: ['www.nuget.org'],
    in: ['header:x-nuget-apikey'],
  }),
  provider('docker-hub', 'Docker Hub', 'docs.docker.com/security/access-tokens', {
    names: '{DOCKERHUB,DOCKER_HUB}_{TOKEN,PASSWORD,PAT,ACCESS_TOKEN} DOCKER_PAT',
    shapes: [/^(dckr_(?:pat|oat)_)[A-Za-z0-9_-]{27,32}$/],
    hosts: ['hub.docker.com', 'auth.docker.io', 'registry-1.docker.io'],
    in: ['basic', 'body:password'],
  }),
  provider('hex-pm', 'Hex', 'hex.pm/docs/publish', { names: 'HEX_API_KEY', hosts: ['hex.pm'] }),
  provider('clojars', 'Clojars', 'github.com/clojars/clojars-web/wiki/Deploy-Tokens', {
    names: 'CLOJARS_{PASSWORD,TOKEN,DEPLOY_TOKEN}',
    shapes: [/^(CLOJARS_)[0-9a-f]{60}$/],
    hosts: ['clojars.org', 'repo.clojars.org'],
    in: ['basic'],
  }),
  provider('maven-central', 'Maven Central', 'central.sonatype.org/publish/publish-portal-api', {
    names: '{MAVEN_CENTRAL,SONATYPE,OSSRH}_{PASSWORD,TOKEN} ORG_GRADLE_PROJECT_MAVENCENTRALPASSWORD',
    hosts: ['central.sonatype.com', 'ossrh-staging-api.central.sonatype.com'],
    in: ['basic'],
  }),
  provider('cloudsmith', 'Cloudsmith', 'help.cloudsmith.io/docs/api-key', {
    names: 'CLOUDSMITH_API_KEY',
    hosts: ['api.cloudsmith.io'],
    in: ['header:x-api-key', 'basic'],
  }),
  provider('artifactory', 'JFrog Artifactory', 'jfrog.com/help/r/jfrog-platform-administration-documentation/api-key', {
    names: 'ARTIFACTORY_{API_KEY,TOKEN,ACCESS_TOKEN} JFROG_{API_KEY,ACCESS_TOKEN}',
    shapes: [/^(AKCp)[A-Za-z0-9]{69}$/, /^(cmVmdGtuO)[A-Za-z0-9]{55}$/],
    in: ['header:x-jfrog-art-api', 'header:authorization', 'basic'],
  }),
  provider('pulumi', 'Pulumi', 'www.pulumi.com/docs/reference/cloud-rest-api', {
    names: 'PULUMI_ACCESS_TOKEN',
    shapes: [/^(pul-)[0-9a-f]{40}$/],
    hosts: ['api.pulumi.com'],
  }),
  provider('terraform', 'HCP Terraform', 'developer.hashicorp.com/terraform/cloud-docs/api-docs', {
    names: 'TFE_TOKEN TF_API_TOKEN TF_TOKEN_APP_TERRAFORM_IO TERRAFORM_{CLOUD_TOKEN,TOKEN}',
    shapes: [/^[A-Za-z0-9]{14}(\.atlasv1\.)[A-Za-z0-9_-]{60,70}$/],
    hosts: ['app.terraform.io'],
  }),
  provider('postman', 'Postman', 'learning.postman.com/docs/reference/postman-api/authentication', {
    names: 'POSTMAN_API_KEY',
    shapes: [/^(PMAK-)[0-9a-f]{24}-[0-9a-f]{34}$/],
    hosts: ['api.getpostman.com', 'api.postman.com'],
    in: ['header:x-api-key'],
  }),
  provider('circleci', 'CircleCI', 'circleci.com/docs/api-developers-guide', {
    names: '{CIRCLE,CIRCLECI}_{TOKEN,API_TOKEN,CLI_TOKEN}',
    shapes: [/^(CCI(?:PAT|PRJ)_)[A-Za-z0-9]{20,24}_[0-9a-f]{40}$/],
    hosts: ['circleci.com'],
    in: ['header:circle-token', 'header:authorization', 'basic'],
  }),
  provider('buildkite', 'Buildkite', 'buildkite.com/docs/apis/rest-api', {
    names: 'BUILDKITE_{TOKEN,API_TOKEN,API_ACCESS_TOKEN,ACCESS_TOKEN}',
    shapes: [/^(bkua_)[0-9a-z]{40}$/],
    hosts: ['api.buildkite.com', 'graphql.buildkite.com'],
  }),
  provider('buildkite-agent', 'Buildkite agent', 'buildkite.com/docs/agent/v3/tokens', {
    names: 'BUILDKITE_AGENT_TOKEN',
    hosts: ['agent.buildkite.com'],
  }),
  provider('travis', 'Travis CI', 'developer.travis-ci.com/authentication', {
    names: '{TRAVIS,TRAVISCI,TRAVIS_CI}_{TOKEN,API_TOKEN,API_KEY}',
    hosts: ['api.travis-ci.com'],
  }),
  provider('appveyor', 'AppVeyor', 'www.appveyor.com/docs/api', {
    names: 'APPVEYOR_{TOKEN,API_TOKEN,API_KEY}',
    shapes: [/^(v2\.)[a-z0-9]{20}$/],
    hosts: ['ci.appveyor.com'],
  }),
  provider('codecov', 'Codecov', 'docs.codecov.com/docs/codecov-tokens', {
    names: 'CODECOV_{TOKEN,API_TOKEN}',
    hosts: ['ingest.codecov.io', 'codecov.io', 'api.codecov.io'],
  }),
  provider('snyk', 'Snyk', 'docs.snyk.io/snyk-api/authentication-for-api', {
    names: 'SNYK_{TOKEN,API_TOKEN,API_KEY}',
    hosts: ['api.snyk.io', 'api.us.snyk.io', 'api.eu.snyk.io', 'api.au.snyk.io'],
  }),
  provider('sonar', 'SonarQube Cloud', 'docs.sonarsource.com/sonarqube-cloud/advanced-setup/web-api', {
    names: '{SONAR,SONARCLOUD,SONARQUBE}_{TOKEN,API_TOKEN}',
    shapes: [/^(sq[aup]_)[0-9a-f]{40}$/],
    hosts: ['sonarcloud.io', 'api.sonarcloud.io', 'sonarqube.us'],
    in: ['header:authorization', 'basic'],
  }),
  provider('semgrep', 'Semgrep', 'semgrep.dev/api/v1/docs', {
    names: 'SEMGREP_{APP_TOKEN,API_TOKEN}',
    hosts: ['semgrep.dev'],
  }),
  provider('checkly', 'Checkly', 'developers.checklyhq.com', {
    names: 'CHECKLY_API_KEY',
    shapes: [/^(cu_)[0-9a-f]{32}$/],
    hosts: ['api.checklyhq.com'],
  }),
];
