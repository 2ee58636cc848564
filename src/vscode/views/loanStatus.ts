// While real values are in the files for a while: a clock in the status bar that says how long, and ends it with a click.
import * as vscode from 'vscode';
import type { LoanState } from '../../host/api';
import type { Sessions } from '../sessions';

const TICK_MS = 1_000;

export function registerLoanStatus(sessions: Sessions): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('sandboxAgent.loan', vscode.StatusBarAlignment.Left, 49);
  item.name = vscode.l10n.t('Sandbox Agent: real values for a while');
  item.command = 'sandboxAgent.putDummiesBack';
  item.backgroundColor = new vscode.ThemeColor('statusBarItem.warningBackground');
  let timer: NodeJS.Timeout | undefined;
  const draw = () => {
    const entry = sessions.all.find(({ session }) => session.loan !== undefined);
    const loan = entry?.session.loan;
    if (!entry || !loan) {
      item.hide();
      clearInterval(timer);
      timer = undefined;
      return;
    }
    item.text = `$(unlock) ${loanText(loan, Date.now())}`;
    item.tooltip = vscode.l10n.t(
      'The files of {0} hold real values, which agents can read. Click to put the dummies back now.',
      entry.workspaceFolder.name,
    );
    item.accessibilityInformation = { label: `${item.text}. ${item.tooltip}` };
    item.show();
    timer ??= setInterval(draw, TICK_MS);
  };
  const watched = new WeakSet<object>();
  const watch = () => {
    for (const { session } of sessions.all)
      if (!watched.has(session)) {
        watched.add(session);
        session.onDidChangeLoan(draw);
      }
    draw();
  };
  const subscription = sessions.onDidChange(watch);
  watch();
  return vscode.Disposable.from(
    item,
    new vscode.Disposable(() => {
      subscription.dispose();
      clearInterval(timer);
    }),
  );
}

function loanText({ until, own }: LoanState, now: number): string {
  if (until === undefined || !own) return vscode.l10n.t('Real values in the files');
  const seconds = Math.max(0, Math.ceil((until - now) / 1_000));
  return vscode.l10n.t('Real values for {0}', `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`);
}
