// The options of `posthaste mailbox set` and `domain set` that hold a mailbox or a domain back for a while, and how
// they are shown.

import type { Command } from 'commander';
import type { MailboxRestraints, RestraintInfo } from '../directory/restraints.ts';
import { CommandError } from './context.ts';

export interface RestraintOptions {
  /** `--no-maintenance` is false. */
  readonly maintenance?: string | false;
  readonly messageLimit?: string;
  readonly recipientLimit?: string;
}

const limitText = (what: string): string =>
  `${what} the owner may send within 24 hours; 0 or unlimited for no limit, usual for the server's`;

export function addRestraintOptions(command: Command): Command {
  return command
    .option('--maintenance <reason>', 'put its mail off (450) and let nobody look into it, with this reason')
    .option('--no-maintenance', 'take its mail again')
    .option('--message-limit <number>', limitText('how many messages'))
    .option('--recipient-limit <number>', limitText('to how many recipients'));
}

export function maintenanceSetting(option: string | false | undefined): { readonly maintenance?: string } {
  if (option === undefined) return {};
  if (option === false) return { maintenance: '' };
  if (option.trim() === '') throw new CommandError('--maintenance needs a reason; --no-maintenance ends it', 2);
  return { maintenance: option };
}

export function restraintSettings({ maintenance, messageLimit, recipientLimit }: RestraintOptions): MailboxRestraints {
  return {
    ...maintenanceSetting(maintenance),
    ...(messageLimit === undefined ? {} : { messageLimit: parseLimit(messageLimit) }),
    ...(recipientLimit === undefined ? {} : { recipientLimit: parseLimit(recipientLimit) }),
  };
}

export function restraintLines(info: RestraintInfo): (readonly [string, string])[] {
  const { maintenance, messageLimit, recipientLimit } = info;
  return [
    ...(maintenance === undefined ? [] : [['maintenance', maintenance] as const]),
    ...(messageLimit === undefined ? [] : [['message limit', showLimit(messageLimit)] as const]),
    ...(recipientLimit === undefined ? [] : [['recipient limit', showLimit(recipientLimit)] as const]),
  ];
}

function parseLimit(text: string): number | null {
  if (text === 'usual') return null;
  if (text === 'unlimited') return 0;
  if (!/^\d{1,9}$/.test(text))
    throw new CommandError(`"${text}" is not a limit: write a number, unlimited or usual`, 2);
  return Number(text);
}

function showLimit(limit: number): string {
  return limit === 0 ? 'unlimited' : `${limit} a day`;
}
