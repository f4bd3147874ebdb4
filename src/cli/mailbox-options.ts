// The options of `posthaste mailbox add` and `set` that say by which protocols its owner may log in, when the password
// ends, and where mail is forwarded, and how they are shown.

import { type Command, Option } from 'commander';
import type { ForwardInfo } from '../directory/forward-rows.ts';
import type { ForwardSettings } from '../directory/forwards.ts';
import { loginProtocols } from '../directory/login-protocols.ts';
import type { LoginRuleInfo, LoginRuleSettings } from '../directory/login-rules.ts';
import type { ListedMailbox } from '../directory/mailboxes.ts';
import type { ForwardMode } from '../directory/schema.ts';
import { systemClock } from '../lib/clock.ts';
import { CommandError } from './context.ts';
import { parseEnd, splitWords } from './limit-words.ts';
import { formatTime } from './output.ts';

export interface LoginRuleOptions {
  readonly protocol?: string[];
  readonly anyProtocol?: true;
  /** `--no-must-change` is false. */
  readonly mustChange?: boolean;
  readonly passwordExpires?: number;
}

export interface ForwardOptions {
  /** `--no-forward` is false. */
  readonly forward?: string[] | false;
  readonly forwardMode?: ForwardMode;
}

export function addLoginRuleOptions(command: Command): Command {
  return command
    .option(
      '--protocol <protocols...>',
      `let its owner log in by these only: ${loginProtocols.join(', ')}; none: by none`,
    )
    .option('--any-protocol', 'let its owner log in by every protocol')
    .option('--must-change', 'refuse logins with the password until its owner has changed it')
    .option('--no-must-change', 'take the password as it is')
    .option('--password-expires <time>', 'when the password ends: 2026-12-31, 90d, or never', parseEnd);
}

export function addForwardOptions(command: Command): Command {
  return command
    .option('--forward <addresses...>', 'send its mail on to these addresses, which replace what was there')
    .option('--no-forward', 'send its mail on no more')
    .addOption(
      new Option(
        '--forward-mode <mode>',
        'both: a copy stays (usual); forward: none does; keep: as --no-forward',
      ).choices(['keep', 'forward', 'both']),
    );
}

export function loginRuleSettings(options: LoginRuleOptions): LoginRuleSettings {
  const { protocol, anyProtocol, mustChange, passwordExpires } = options;
  if (protocol !== undefined && anyProtocol) {
    throw new CommandError('--protocol and --any-protocol contradict each other', 2);
  }
  return {
    ...(protocol === undefined ? {} : { protocols: splitWords(protocol).map((word) => word.toLowerCase()) }),
    ...(anyProtocol ? { protocols: [] } : {}),
    ...(mustChange === undefined ? {} : { mustChange }),
    ...(passwordExpires === undefined ? {} : { passwordExpires }),
  };
}

/** null ends the forward, undefined leaves it. */
export function forwardSettings({ forward, forwardMode }: ForwardOptions): ForwardSettings | null | undefined {
  if (forward === undefined && forwardMode === undefined) return undefined;
  if (forward === false || forwardMode === 'keep') {
    if (Array.isArray(forward) || (forwardMode !== undefined && forwardMode !== 'keep')) {
      throw new CommandError('to forward, and to forward no more, contradict each other', 2);
    }
    return null;
  }
  return {
    ...(forward === undefined ? {} : { to: splitWords(forward) }),
    ...(forwardMode === undefined ? {} : { mode: forwardMode }),
  };
}

export function forwardLines(forward: ForwardInfo | undefined): (readonly [string, string])[] {
  if (forward === undefined) return [];
  const rest = forward.mode === 'both' ? '; a copy stays' : '; no copy stays';
  return [['forward', `${forward.to.join(', ')}${rest}`]];
}

export function loginLines(info: ListedMailbox): (readonly [string, string])[] {
  const { protocols, passwordChanged, lastLogin } = info;
  const from = lastLogin === undefined || lastLogin.address === '' ? '' : ` from ${lastLogin.address}`;
  const last = lastLogin === undefined ? 'never' : `${formatTime(lastLogin.time)} by ${lastLogin.protocol}${from}`;
  return [
    ...(protocols === undefined ? [] : [['protocols', protocols.join(', ')] as const]),
    ...(passwordChanged === undefined ? [] : [['password set', formatTime(passwordChanged)] as const]),
    ...passwordEnd(info).map((text) => ['password', text] as const),
    ['last login', last],
  ];
}

function passwordEnd({ mustChange, passwordExpires }: LoginRuleInfo): string[] {
  return [
    ...(mustChange ? ['must be changed before the next login'] : []),
    ...(passwordExpires === undefined
      ? []
      : [`${passwordExpires <= systemClock.now() ? 'has expired' : 'expires'} ${formatTime(passwordExpires)}`]),
  ];
}

/** For the list. */
export function loginNotes({ protocols, mustChange, passwordExpires, forward }: ListedMailbox): string[] {
  const isOver = passwordExpires !== undefined && passwordExpires <= systemClock.now();
  return [
    ...(forward === undefined ? [] : [forward.mode === 'both' ? 'forward+copy' : 'forward']),
    ...(isOver ? ['expired'] : mustChange ? ['must-change'] : []),
    ...(protocols === undefined ? [] : [protocols.join('+')]),
  ];
}
