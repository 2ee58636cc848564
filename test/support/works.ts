// Whether a program is there to test with.
import { execFileSync } from 'node:child_process';

export function works(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
