// Every parser that reads what a stranger wrote, by the name given with --target.

import { address } from './address-targets.ts';
import { imapCommand, imapSet, mailboxName } from './imap-targets.ts';
import { messageHeader, mimeStructure } from './message-targets.ts';
import { mainCf, masterCf } from './settings-targets.ts';
import { smtpData, smtpLine } from './smtp-targets.ts';
import { ldapReply, textTable } from './tables-targets.ts';
import type { Target } from './target.ts';

export const targets: readonly Target[] = [
  smtpLine,
  smtpData,
  imapCommand,
  imapSet,
  mailboxName,
  mimeStructure,
  messageHeader,
  address,
  mainCf,
  masterCf,
  textTable,
  ldapReply,
];

export function findTarget(name: string): Target {
  const target = targets.find((candidate) => candidate.name === name);
  if (!target) throw new Error(`no target ${name}; there are ${targets.map((each) => each.name).join(', ')}`);
  return target;
}
