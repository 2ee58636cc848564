// Start and Stop of a folder's proxy.
import * as vscode from 'vscode';
import { settings } from '../context';
import type { Command } from './command';

export const start: Command = async ({ sessions, log }) => {
  const entry = await sessions.pick();
  if (!entry || entry.failure !== undefined) return;
  await vscode.window.withProgress(
    { location: { viewId: 'sandboxAgent.session' }, title: vscode.l10n.t('Starting') },
    () => entry.session.start(settings.startOptions()),
  );
  const { state } = entry.session;
  if (state.kind === 'failed')
    void vscode.window
      .showErrorMessage(state.message, vscode.l10n.t('Show Log'))
      .then((action) => action && log.show());
};

export const stop: Command = async ({ sessions }) => {
  const entry = await sessions.pick();
  await entry?.session.stop();
};
