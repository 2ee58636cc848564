// The policy that a new workspace starts with: monitor mode, the agents' own hosts allowed narrowly, the rest commented.

const TEXT = `# What coding agents in this workspace may reach. Documentation: docs/policy.md of Sandbox Agent.
# The first rule that matches decides. A rule of type "block" holds in every mode.
# A change that was not made by a Sandbox Agent command waits for your approval before it counts.
version: 1

# monitor: let through what no rule allows, and mark it.   enforce: block it.
mode: monitor
default: block

rules:
  # --- Claude Code
  - type: allow
    description: Claude, messages
    condition:
      match: { host: api.anthropic.com, method: POST, path: [/v1/messages, /v1/messages/count_tokens] }
  - type: allow
    description: Claude Code, start-up and account
    condition:
      match: { host: api.anthropic.com, path: [/api/hello, "/api/claude_code/**", "/api/oauth/**", "/api/claude_cli/**", "/api/organization/**", "/v1/models/**", "/mcp-registry/**"] }
  - type: allow
    description: Claude Code, sign-in
    condition:
      match: { host: platform.claude.com, path: [/v1/oauth/hello, /v1/oauth/token] }

  # --- Codex
  - type: allow
    description: OpenAI, responses and models
    condition:
      match: { host: api.openai.com, path: [/v1/responses, "/v1/responses/**", "/v1/models/**"] }

  # --- Gemini CLI
  - type: allow
    description: Google AI, generate
    condition:
      match: { host: generativelanguage.googleapis.com, method: POST, path: ["/v1beta/models/*", "/v1/models/*"] }

  # --- Remove the "#" from what your agents need:
  # - type: allow
  #   description: npm, download only
  #   condition:
  #     match: { host: registry.npmjs.org, method: [GET, HEAD] }
  # - type: allow
  #   description: PyPI, download only
  #   condition:
  #     match: { host: [pypi.org, files.pythonhosted.org], method: [GET, HEAD] }
  # - type: allow
  #   description: GitHub, read only
  #   condition:
  #     match: { host: [github.com, api.github.com, codeload.github.com, raw.githubusercontent.com], method: [GET, HEAD] }
`;

export function defaultPolicyText(): string {
  return TEXT;
}
