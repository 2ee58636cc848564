// The policy that a new workspace starts with: monitor mode, the agents' own hosts allowed narrowly, the rest commented.

const TEXT = `# What coding agents in this workspace may reach. Every key explains itself when you point at it in the editor.
# The first rule that matches decides. A rule of type "block" holds in every mode.
# A change that no Sandbox Agent command made waits for your approval before it counts.
version: 1

# What happens to a request that no rule matches and that "default" would block.
# monitor: let it through and mark it. enforce: block it.
mode: monitor
default: block

rules:
  # --- Claude Code
  - type: allow
    description: Claude, messages
    condition:
      match:
        host: api.anthropic.com
        method: POST
        path: [/v1/messages, /v1/messages/count_tokens]
  - type: allow
    description: Claude Code, settings and account
    condition:
      match:
        host: api.anthropic.com
        method: [GET, HEAD]
        path: ["/api/**", "/v1/models/**", "/mcp-registry/**"]
  - type: allow
    description: Claude Code, sign-in
    condition:
      match: { host: platform.claude.com, path: "/v1/oauth/**" }
  - type: allow
    description: Claude Code, sign-in page and updates
    condition:
      match: { host: [claude.ai, downloads.claude.ai], method: [GET, HEAD] }

  # --- Codex
  - type: allow
    description: OpenAI, responses (also as a WebSocket) and models
    condition:
      match: { host: api.openai.com, method: [GET, POST], path: ["/v1/responses/**", "/v1/models/**"] }
  - type: allow
    description: Codex with a ChatGPT account
    condition:
      match: { host: chatgpt.com, method: [GET, POST], path: "/backend-api/codex/**" }
  - type: allow
    description: OpenAI, sign-in
    condition:
      match: { host: auth.openai.com, path: "/oauth/**" }

  # --- Gemini CLI
  - type: allow
    description: Gemini, models
    condition:
      match: { host: generativelanguage.googleapis.com, method: [GET, POST], path: ["/v1beta/models/**", "/v1/models/**"] }

  # --- Take away the "# " from what your agents need
  # - type: allow
  #   description: Claude Code, telemetry
  #   condition:
  #     match: { host: api.anthropic.com, method: POST, path: "/api/event_logging/**" }
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
  # - type: allow
  #   description: GitHub, clone and fetch
  #   condition:
  #     match: { host: github.com, method: POST, path: "/*/*/git-upload-pack" }
  # - type: allow
  #   description: A server on this machine
  #   addresses: any
  #   condition:
  #     match: { host: [localhost, 127.0.0.1], port: 3000 }

# Where a secret may go, if it should not be where its provider says:
# secrets:
#   GITHUB_TOKEN:
#     hosts: [api.github.com, github.com]
#     in: [header:authorization, basic]
`;

/** Commented YAML for a workspace that has no policy yet. */
export function defaultPolicyText(): string {
  return TEXT;
}
