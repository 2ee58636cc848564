// Three vitest projects. The suites inside a real VS Code and a real browser have launchers of their own (scripts/).
import { defineConfig } from 'vitest/config';

const project = (name, extra = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 20_000, hookTimeout: 60_000, ...extra },
});

export default defineConfig({
  test: {
    projects: [
      project('unit'),
      project('proxy', { pool: 'forks' }),
      project('host', { pool: 'forks', testTimeout: 60_000 }),
      project('leak', { pool: 'forks', testTimeout: 60_000 }),
      project('agent', { pool: 'forks', testTimeout: 180_000, hookTimeout: 300_000 }),
    ],
  },
});
