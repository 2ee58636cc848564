// Commands on flows: show the view, open one as a document, jump to its rule, copy its URL, clear.
import * as vscode from 'vscode';
import { flowOrigin } from '../../core/flows/describe';
import { VIEW } from '../context';
import { flowUri } from '../documents/readOnly';
import type { FlowNode } from '../views/flowNodes';
import type { Command } from './command';

const isFlow = (argument: unknown): argument is FlowNode =>
  (argument as { kind?: unknown } | undefined)?.kind === 'flow';

export const showFlows: Command = async () => {
  await vscode.commands.executeCommand(`${VIEW.flows}.focus`);
};

export const openFlow: Command = async (_, argument) => {
  if (!isFlow(argument)) return;
  argument.entry.alarms.markSeen(argument.flow.id);
  const document = await vscode.workspace.openTextDocument(flowUri(argument));
  await vscode.window.showTextDocument(document, { preview: true });
};

export const showRule: Command = async (_, argument) => {
  if (!isFlow(argument)) return;
  const { session } = argument.entry;
  const rule = session.policy.state.policy.rules[argument.flow.decision?.rule ?? -1];
  if (!rule) return;
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(session.policy.state.file));
  const range = new vscode.Range(document.positionAt(rule.range.start), document.positionAt(rule.range.end));
  await vscode.window.showTextDocument(document, { selection: range });
};

export const copyUrl: Command = async (_, argument) => {
  if (isFlow(argument)) await vscode.env.clipboard.writeText(`${flowOrigin(argument.flow)}${argument.flow.path}`);
};

export const clearFlows: Command = ({ sessions }) => {
  for (const { flows } of sessions.all) flows.clear();
  return Promise.resolve();
};
